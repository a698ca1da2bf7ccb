package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenseCopyTest {
    @Test
    void aDenseSourceKeepsTheTypeInWhichNoMatrixLosesAnything() {
        assertThat(naturalType(plain(DType.F16), plain(DType.F16))).isEqualTo(DType.F16);
        assertThat(naturalType(plain(DType.BF16), plain(DType.F32))).isEqualTo(DType.F32);
        assertThat(naturalType(plain(DType.BF16), plain(DType.F16))).isEqualTo(DType.F32);
        assertThat(naturalType(blocks(GgufType.F16), blocks(GgufType.F16))).isEqualTo(DType.F16);
        assertThat(naturalType(blocks(GgufType.BF16), blocks(GgufType.F32))).isEqualTo(DType.F32);
    }

    @Test
    void aSourceWithAnyMatrixOfCodesBecomesBf16() {
        assertThat(naturalType(plain(DType.F16), plain(DType.I8))).isEqualTo(DType.BF16);
        assertThat(naturalType(blocks(GgufType.F32), blocks(GgufType.Q4_K))).isEqualTo(DType.BF16);
        assertThat(naturalType(blocks(GgufType.Q8_0), blocks(GgufType.F16))).isEqualTo(DType.BF16);
    }

    /** Of rows of 1024 weights 1024 are read at once. */
    @Test
    void everyBlockOfATensorIsCopiedFromItsPlace(@TempDir Path folder) throws Exception {
        ObjectNode config = TinyModels.llama();
        new DenseCopy(new Rows(1), "rows", DType.BF16).write(folder, config, Optional.empty(), Progress.NONE);

        try (SafetensorsFolder written = SafetensorsFolder.open(folder)) {
            for (long row : new long[] {0, 1023, 1024, 1024 + 63}) {
                short bits = written.rows("matrix", row, row + 1).get(ValueLayout.JAVA_SHORT_UNALIGNED, 2);
                assertThat(Float.intBitsToFloat(bits << 16)).as("row %s", row).isEqualTo(row % 63);
            }
        }
        assertThatThrownBy(() -> new DenseCopy(new Rows(1092), "rows", DType.F16)
                        .write(folder, config, Optional.empty(), Progress.NONE))
                .as("it would become infinity")
                .hasMessageContaining("rows: tensor 'matrix' holds 65520.0 in row 60, column 0, too large for F16");
    }

    private static Encoding plain(DType type) {
        return new Encoding.Plain(type);
    }

    private static Encoding blocks(GgufType type) {
        return new Encoding.Blocks(type);
    }

    /** Of matrices in these encodings and norms in F32, which GGUF keeps beside any. */
    private static DType naturalType(Encoding... matrices) {
        List<TensorSpec> tensors = new ArrayList<>();
        for (Encoding encoding : matrices) {
            tensors.add(new TensorSpec("matrix " + tensors.size(), encoding, Shape.of(2, 256)));
        }
        tensors.add(new TensorSpec("norm", blocks(GgufType.F32), Shape.of(256)));
        return DenseCopy.naturalType(new Listed(tensors));
    }

    /** A matrix whose row r is r modulo 63, times a factor. */
    private record Rows(float factor) implements WeightSource {
        @Override
        public List<TensorSpec> tensors() {
            return List.of(TensorSpec.plain("matrix", DType.F32, Shape.of(1024 + 64, 1024)));
        }

        @Override
        public void read(String name, long from, long to, MemorySegment destination) {
            for (long row = from; row < to; row++) {
                for (long column = 0; column < 1024; column++) {
                    destination.setAtIndex(
                            ValueLayout.JAVA_FLOAT_UNALIGNED, (row - from) * 1024 + column, row % 63 * factor);
                }
            }
        }

        @Override
        public ModelConfig config() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }

    /** A model of which nothing is known but its tensors. */
    private record Listed(List<TensorSpec> tensors) implements WeightSource {
        @Override
        public ModelConfig config() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void read(String name, long from, long to, MemorySegment destination) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {}
    }
}
