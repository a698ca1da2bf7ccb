package io.millrace.tensors.format.onnx;

import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.onnx.NBits;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Widens rows of what a graph holds to F32. Safe from several threads. */
record WeightRows(OnnxFile file) {
    /** About the elements that one step holds. */
    private static final long STEP_ELEMENTS = 1 << 18;

    /** Rows {@code [from, to)} at the start of {@code destination}. */
    void read(StoredWeight weight, long rowLength, long from, long to, MemorySegment destination) {
        switch (weight) {
            case StoredWeight.Dense dense -> dense(dense, rowLength, from, to, destination);
            case StoredWeight.Transposed transposed -> transposed(transposed, rowLength, from, to, destination);
            case StoredWeight.Blocks blocks -> blocks(blocks, rowLength, from, to, destination);
            case StoredWeight.Part(StoredWeight whole, long first, var _) ->
                read(whole, rowLength, first + from, first + to, destination);
            case StoredWeight.Stacked stacked -> stacked(stacked, rowLength, from, to, destination);
        }
    }

    private void dense(StoredWeight.Dense dense, long rowLength, long from, long to, MemorySegment destination) {
        MemorySegment rows = part(dense.tensor(), dense.rows(), from, to);
        Conversion.widen(dense.tensor().type().dtype(), rows, destination, (to - from) * rowLength);
    }

    /** A row of the matrix is a column of the file: its rows are walked once per block of columns. */
    private void transposed(
            StoredWeight.Transposed matrix, long rowLength, long from, long to, MemorySegment destination) {
        int width = Math.toIntExact(to - from);
        int bytes = matrix.tensor().type().bytes();
        MemorySegment all = file.bytes(matrix.tensor());
        float[] column = new float[width];
        for (long i = 0; i < rowLength; i++) {
            MemorySegment stored = all.asSlice((i * matrix.rows() + from) * bytes, (long) width * bytes);
            Conversion.widen(matrix.tensor().type().dtype(), stored, MemorySegment.ofArray(column), width);
            for (int row = 0; row < width; row++) {
                long at = (row * rowLength + i) * Float.BYTES;
                destination.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, column[row]);
            }
        }
    }

    private void blocks(StoredWeight.Blocks blocks, long rowLength, long from, long to, MemorySegment destination) {
        NBits format = blocks.format();
        long step = Math.max(1, STEP_ELEMENTS / rowLength);
        for (long row = from; row < to; row += step) {
            long end = Math.min(to, row + step);
            byte[] codes = part(blocks.codes(), blocks.rows(), row, end).toArray(ValueLayout.JAVA_BYTE);
            float[] scales = floats(blocks.scales(), blocks.rows(), row, end);
            float[] values = new float[Math.toIntExact((end - row) * rowLength)];
            if (blocks.zeroPoints().isEmpty()) {
                format.dequantize(codes, scales, values.length, values);
            } else {
                float[] zeroPoints = zeroPoints(blocks, blocks.zeroPoints().get(), rowLength, row, end);
                format.dequantize(codes, scales, zeroPoints, values.length, values);
            }
            long at = (row - from) * rowLength * Float.BYTES;
            MemorySegment.copy(values, 0, destination, ValueLayout.JAVA_FLOAT_UNALIGNED, at, values.length);
        }
    }

    private float[] zeroPoints(
            StoredWeight.Blocks blocks, ExternalTensor zeroPoints, long rowLength, long from, long to) {
        if (zeroPoints.type() != ElementType.UINT8) {
            return floats(zeroPoints, blocks.rows(), from, to);
        }
        byte[] packed = part(zeroPoints, blocks.rows(), from, to).toArray(ValueLayout.JAVA_BYTE);
        int perRow = Math.toIntExact(rowLength / blocks.format().elements());
        return blocks.format().zeroPoints(packed, Math.toIntExact(to - from), perRow);
    }

    private void stacked(StoredWeight.Stacked stacked, long rowLength, long from, long to, MemorySegment destination) {
        long first = 0;
        for (StoredWeight part : stacked.parts()) {
            long begin = Math.max(from, first);
            long end = Math.min(to, first + part.rows());
            if (begin < end) {
                MemorySegment target = destination.asSlice((begin - from) * rowLength * Float.BYTES);
                read(part, rowLength, begin - first, end - first, target);
            }
            first += part.rows();
        }
    }

    private float[] floats(ExternalTensor tensor, long rows, long from, long to) {
        MemorySegment stored = part(tensor, rows, from, to);
        float[] floats =
                new float[Math.toIntExact(stored.byteSize() / tensor.type().bytes())];
        Conversion.widen(tensor.type().dtype(), stored, MemorySegment.ofArray(floats), floats.length);
        return floats;
    }

    /** The bytes of rows of a tensor that has this many, whatever its shape says. */
    private MemorySegment part(ExternalTensor tensor, long rows, long from, long to) {
        long rowBytes = tensor.byteSize() / rows;
        return file.bytes(tensor).asSlice(from * rowBytes, (to - from) * rowBytes);
    }
}
