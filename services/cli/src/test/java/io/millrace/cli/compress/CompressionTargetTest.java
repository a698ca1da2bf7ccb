package io.millrace.cli.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.tensors.format.onnx.OnnxType;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CompressionTargetTest {
    @Test
    void everyTypeThatAFormatCanWriteIsATargetAndMayStandInAPolicy() {
        assertThat(CompressionTarget.all().stream().map(CompressionTarget::toString))
                .containsExactlyInAnyOrderElementsOf(Stream.of(
                                Stream.of(GgufFileType.values()).map(type -> "gguf:" + type),
                                Stream.of(CompressedScheme.values()).map(scheme -> "compressed-tensors:" + scheme),
                                Stream.of(OnnxType.values()).map(type -> "onnx:" + type.code()),
                                Stream.of("binary", "ternary", "uniform").map(scheme -> "literature:" + scheme))
                        .flatMap(names -> names)
                        .toList());
    }

    /** {@code llama-quantize} takes Q4_K for Q4_K_M. */
    @ParameterizedTest
    @CsvSource({
        "gguf:Q4_K, gguf:Q4_K_M",
        "gguf:q4_k, gguf:Q4_K_M",
        "Q4_K, gguf:Q4_K_M",
        "q8, gguf:Q8_0",
        "q4km, gguf:Q4_K_M",
        "gguf:Q4_K_N, gguf:Q4_K_M",
        "W4A16, compressed-tensors:W4A16",
        "compressed:W4A16, compressed-tensors:W4A16",
        "W4A17, compressed-tensors:W4A16",
        "fp8, compressed-tensors:FP8_BLOCK"
    })
    void aTargetThatIsNotThereNamesTheOneThatWasProbablyMeant(String found, String meant) {
        assertThatThrownBy(() -> CompressionTarget.parse(found))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith(
                        "unknown target '%s', did you mean '%s'? There are gguf:BF16|F16|", found, meant);
    }

    @Test
    void nothingIsMeantByAWordThatIsFarFromAll() {
        assertThatThrownBy(() -> CompressionTarget.parse("int3:smallest"))
                .hasMessageStartingWith("unknown target 'int3:smallest'. There are gguf:BF16|");
    }
}
