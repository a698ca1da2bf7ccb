package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

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
