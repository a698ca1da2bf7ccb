package io.millrace.tensors.format.onnx;

import io.millrace.tensors.kernel.convert.Conversion;
import io.millrace.tensors.kernel.onnx.NBits;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Widens rows of what a graph holds to F32. Safe from several threads. */
record WeightRows(OnnxFile file) {
    /** About the elements that one step holds. */
    private static final long STEP_ELEMENTS = 1 << 18;
    /** What a number of 4 bits with a sign is flipped by to become one without, 8 higher. */
    private static final int INT4_OFFSET = 8;

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

    /** The last block of a row may hold more than the row does. */
    private void blocks(StoredWeight.Blocks blocks, long rowLength, long from, long to, MemorySegment destination) {
        NBits format = blocks.format();
        int padded = Math.multiplyExact(format.blocks(rowLength), format.elements());
        long step = Math.max(1, STEP_ELEMENTS / padded);
        for (long row = from; row < to; row += step) {
            long end = Math.min(to, row + step);
            byte[] codes = codes(blocks, format.blocks(rowLength), row, end);
            float[] scales = floats(blocks.scales(), blocks.rows(), row, end);
            float[] values = new float[Math.toIntExact((end - row) * padded)];
            if (blocks.zeroPoints().isPresent()) {
                float[] zeroPoints = zeroPoints(blocks, blocks.zeroPoints().get(), rowLength, row, end);
                format.dequantize(codes, scales, zeroPoints, values.length, values);
            } else if (blocks.codes().type() == ElementType.UINT4) {
                format.dequantize(codes, scales, new float[scales.length], values.length, values);
            } else {
                format.dequantize(codes, scales, values.length, values);
            }
            for (int i = 0; i < end - row; i++) {
                long at = (row - from + i) * rowLength * Float.BYTES;
                MemorySegment.copy(
                        values,
                        i * padded,
                        destination,
                        ValueLayout.JAVA_FLOAT_UNALIGNED,
                        at,
                        Math.toIntExact(rowLength));
            }
        }
    }

    /** Whole blocks of codes without a sign. */
    private byte[] codes(StoredWeight.Blocks blocks, int perRow, long from, long to) {
        byte[] stored = part(blocks.codes(), blocks.rows(), from, to).toArray(ValueLayout.JAVA_BYTE);
        if (blocks.codes().type() == ElementType.INT4) {
            for (int i = 0; i < stored.length; i++) {
                stored[i] ^= (byte) (INT4_OFFSET << 4 | INT4_OFFSET);
            }
        }
        int rows = Math.toIntExact(to - from);
        int storedBytes = stored.length / rows;
        int bytes = perRow * blocks.format().codeBytes();
        if (storedBytes == bytes) {
            return stored;
        }
        byte[] whole = new byte[rows * bytes];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(stored, row * storedBytes, whole, row * bytes, storedBytes);
        }
        return whole;
    }

    private float[] zeroPoints(
            StoredWeight.Blocks blocks, ExternalTensor zeroPoints, long rowLength, long from, long to) {
        int perRow = blocks.format().blocks(rowLength);
        return switch (zeroPoints.type()) {
            case UINT8 -> {
                byte[] packed = part(zeroPoints, blocks.rows(), from, to).toArray(ValueLayout.JAVA_BYTE);
                yield blocks.format().zeroPoints(packed, Math.toIntExact(to - from), perRow);
            }
            case UINT4, INT4 -> halves(zeroPoints, from * perRow, to * perRow);
            case FLOAT, FLOAT16, BFLOAT16, INT32, INT64 -> floats(zeroPoints, blocks.rows(), from, to);
        };
    }

    /** Elements of 4 bits, whose rows may begin within a byte; those with a sign are moved as their codes are. */
    private float[] halves(ExternalTensor tensor, long from, long to) {
        MemorySegment bytes = file.bytes(tensor);
        int offset = tensor.type() == ElementType.INT4 ? INT4_OFFSET : 0;
        float[] values = new float[Math.toIntExact(to - from)];
        for (int i = 0; i < values.length; i++) {
            long element = from + i;
            int pair = bytes.get(ValueLayout.JAVA_BYTE, element / 2);
            int code = element % 2 == 0 ? pair & 15 : pair >> 4 & 15;
            values[i] = code ^ offset;
        }
        return values;
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
