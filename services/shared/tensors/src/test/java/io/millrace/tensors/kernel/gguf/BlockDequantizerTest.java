package io.millrace.tensors.kernel.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.Widths;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class BlockDequantizerTest {
    @ParameterizedTest
    @EnumSource
    void blocksOfAnyBytesAreTheNumbersOfTheSpecification(GgufType type) {
        System.out.println("seed " + ReadingProbe.SEED);

        assertThat(ReadingProbe.numbers(BlockDequantizer::dequantize, type))
                .isEqualTo(ReadingProbe.numbers(BlockDequantizer::scalar, type));
    }

    @Test
    void theWidthOfTheVectorsChangesNoBitOfANumber() {
        byte[] here = new ReadingProbe().get();

        for (int bits : Widths.BITS) {
            assertThat(Widths.at(bits, ReadingProbe.class)).as("%d bits", bits).isEqualTo(here);
        }
    }

    @Test
    void blocksThatEndTooEarlyAreRefused() {
        assertThatThrownBy(() -> BlockDequantizer.dequantize(GgufType.Q4_K, new byte[143], 0, 256, new float[256], 0))
                .isInstanceOf(IndexOutOfBoundsException.class);
    }
}
