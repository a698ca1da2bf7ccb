package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A GGUF file that is decided to its last byte's position before the first is written: metadata, tensors, their types
 * and offsets.
 */
public final class GgufPlan {
    private final Checkpoint checkpoint;
    private final GgufHeader header;
    private final List<PlannedTensor> tensors;

    GgufPlan(Checkpoint checkpoint, GgufHeader header, List<PlannedTensor> tensors) {
        this.checkpoint = checkpoint;
        this.header = header;
        this.tensors = List.copyOf(tensors);
    }

    /** What the file will start with; the list of tensors says which gets which type. */
    public GgufHeader header() {
        return header;
    }

    /** Size of the finished file. */
    public long fileBytes() {
        return GgufHeaderEncoder.encode(header).length + header.dataBytes();
    }

    /**
     * Writes the file: under a temporary name beside it, forced to disk, then renamed. If this fails nothing is left
     * behind. The bytes do not depend on {@code threads}, each of which holds a row block of about 3 MiB.
     *
     * @return one report per tensor that comes from the checkpoint, in the order of the file; experts of a layer share one
     */
    public List<TensorReport> write(Path file, int threads, Progress progress)
            throws IOException, InterruptedException {
        try (GgufFileWriter writer = new GgufFileWriter(file, header, threads)) {
            return writer.write(tensors, checkpoint, progress);
        }
    }
}
