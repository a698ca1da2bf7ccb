package io.millrace.cli.compress;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.tensors.format.onnx.OnnxType;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

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
}
