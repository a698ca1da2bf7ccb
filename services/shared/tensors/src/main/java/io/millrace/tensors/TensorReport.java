package io.millrace.tensors;

/**
 * What became of one tensor when a compressed file was written.
 *
 * @param name the tensor's Hugging Face name
 * @param type the scheme or block type that holds it now: {@code W4A16}, {@code Q4_K}, {@code BF16}
 * @param bytes what it takes in the file, scales included
 * @param relativeError ||w − w′|| / ||w||, 0 for a tensor of zeros
 * @param maxError largest |w − w′|
 * @param zerosBefore exact zeros in the source
 * @param zerosAfter exact zeros in what a consumer reads
 * @param fallBack whether another type than the asked one was used
 * @param note why another type than the asked one was used, or what was amended on the way; empty otherwise
 */
public record TensorReport(
        String name,
        String type,
        Shape shape,
        long bytes,
        double relativeError,
        double maxError,
        long zerosBefore,
        long zerosAfter,
        boolean fallBack,
        String note) {
    /** A report whose note, if any, says why another type than the asked one was used. */
    public TensorReport(
            String name,
            String type,
            Shape shape,
            long bytes,
            double relativeError,
            double maxError,
            long zerosBefore,
            long zerosAfter,
            String note) {
        this(name, type, shape, bytes, relativeError, maxError, zerosBefore, zerosAfter, !note.isEmpty(), note);
    }
}
