package io.millrace.tensors.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.Shape;
import io.millrace.tensors.kernel.onnx.NBits;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Matrices of more rows than are widened in one step, each row of three blocks, the last of which is filled up: zero points
 * of 4 bits then begin within a byte in every second row. The file holds any bytes; other tests say what they mean.
 */
class WeightRowsTest {
    private static final int ROWS = 6000;
    private static final int ROW_LENGTH = 40;
    private static final int BLOCKS = 3;
    private static final NBits FORMAT = new NBits(4, 16);
    private static final int FILE_BYTES = 1 << 20;
    private static final ValueLayout.OfFloat LITTLE =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static Stream<StoredWeight> everyWayOfStoring() {
        ExternalTensor codes = tensor(ElementType.UINT8, ROWS, BLOCKS, FORMAT.codeBytes());
        ExternalTensor scales = tensor(ElementType.FLOAT, ROWS, BLOCKS);
        StoredWeight product = blocks(codes, scales, tensor(ElementType.UINT8, ROWS, 2));
        StoredWeight dense = new StoredWeight.Dense(tensor(ElementType.BFLOAT16, ROWS, ROW_LENGTH), ROWS);
        return Stream.of(
                product,
                blocks(codes, tensor(ElementType.FLOAT16, ROWS, BLOCKS), tensor(ElementType.FLOAT, ROWS, BLOCKS)),
                blocks(tensor(ElementType.INT4, ROWS, ROW_LENGTH), scales, tensor(ElementType.INT4, ROWS, BLOCKS)),
                dense,
                new StoredWeight.Transposed(tensor(ElementType.FLOAT16, ROW_LENGTH, ROWS), ROWS),
                new StoredWeight.Part(product, 7, ROWS - 7),
                new StoredWeight.Stacked(List.of(product, dense)));
    }

    private static StoredWeight blocks(ExternalTensor codes, ExternalTensor scales, ExternalTensor zeroPoints) {
        return new StoredWeight.Blocks(FORMAT, codes, scales, Optional.of(zeroPoints), ROWS, false);
    }

    private static ExternalTensor tensor(ElementType type, long... extents) {
        return new ExternalTensor("tensor", type, Shape.of(extents), 0);
    }

    @ParameterizedTest
    @MethodSource("everyWayOfStoring")
    void rowsReadAloneAreThoseOfTheWholeMatrix(StoredWeight weight) throws Exception {
        byte[] bytes = new byte[FILE_BYTES];
        new Random(3).nextBytes(bytes);
        OnnxGraph graph = new OnnxGraph(Map.of(), Optional.empty(), Map.of(), Set.of(), Map.of(), List.of());
        int rows = Math.toIntExact(weight.rows());

        try (OnnxFile file = OnnxFile.of("model.onnx", graph, MemorySegment.ofArray(bytes), () -> {})) {
            WeightRows reader = new WeightRows(file);
            float[] whole = new float[rows * ROW_LENGTH];
            reader.read(weight, ROW_LENGTH, 0, rows, MemorySegment.ofArray(whole));
            for (int row : new int[] {0, 1, 2, 5459, 5460, 5461, 5992, rows - 1}) {
                float[] alone = new float[ROW_LENGTH];
                reader.read(weight, ROW_LENGTH, row, row + 1, MemorySegment.ofArray(alone));
                assertThat(alone)
                        .as("row %s", row)
                        .isEqualTo(Arrays.copyOfRange(whole, row * ROW_LENGTH, (row + 1) * ROW_LENGTH));
            }
        }
    }

    /** GatherBlockQuantized takes codes of a 4-bit type as they are, and moves those that are packed in bytes by the middle. */
    @ParameterizedTest
    @CsvSource({"UINT4, 6, 18", "INT4, 6, -14", "UINT8, -10, 2"})
    void withoutZeroPointsTheTypeSaysWhatACodeMeans(ElementType type, float even, float odd) throws Exception {
        byte[] bytes = new byte[FORMAT.codeBytes() + Float.BYTES];
        Arrays.fill(bytes, (byte) 0x93);
        MemorySegment data = MemorySegment.ofArray(bytes);
        data.set(LITTLE, FORMAT.codeBytes(), 2);
        OnnxGraph graph = new OnnxGraph(Map.of(), Optional.empty(), Map.of(), Set.of(), Map.of(), List.of());
        ExternalTensor scales = new ExternalTensor("scales", ElementType.FLOAT, Shape.of(1, 1), FORMAT.codeBytes());
        StoredWeight weight = new StoredWeight.Blocks(
                FORMAT, tensor(type, 1, type.bits() == 4 ? 16 : 8), scales, Optional.empty(), 1, false);

        float[] row = new float[FORMAT.elements()];
        try (OnnxFile file = OnnxFile.of("model.onnx", graph, data, () -> {})) {
            new WeightRows(file).read(weight, row.length, 0, 1, MemorySegment.ofArray(row));
        }

        assertThat(row).startsWith(even, odd, even, odd);
    }
}
