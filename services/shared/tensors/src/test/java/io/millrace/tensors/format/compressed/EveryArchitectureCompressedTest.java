package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each architecture as compressed-tensors and back: every linear module packed but head and routers. */
class EveryArchitectureCompressedTest {
    @TempDir
    Path parent;

    static Stream<String> architectures() {
        return Architecture.known().stream().map(Architecture::className);
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void linearModulesArePackedAndTheRestIsNamedOrDense(String className) throws Exception {
        ObjectNode config = TinyModels.each().stream()
                .filter(json -> json.path("architectures").path(0).asText().equals(className))
                .findFirst()
                .orElseThrow();
        Path source = TinyModels.write(parent.resolve("source"), config, DType.BF16, 7);
        Path target = parent.resolve("target");

        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            List<TensorReport> reports = CompressedTensorsWriter.plan(checkpoint, CompressedScheme.W8A16)
                    .write(target, 1, Progress.NONE);

            List<String> ignored = new ArrayList<>();
            for (JsonNode module : StrictJson.readFile(target.resolve("config.json"), 1 << 20)
                    .path(QuantizationConfig.KEY)
                    .path("ignore")) {
                ignored.add(module.asText());
            }
            assertThat(ignored).startsWith("lm_head");
            try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
                for (TensorRule rule : checkpoint.rules()) {
                    boolean linear = rule.role() instanceof TensorRole.Linear;
                    boolean router = rule.role() instanceof TensorRole.Router;
                    assertThat(ignored.contains(rule.module())).as(rule.name()).isEqualTo(router || isHead(rule));
                    float[] before = new float[Math.toIntExact(rule.shape().elements())];
                    float[] after = new float[before.length];
                    checkpoint.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(before));
                    reader.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(after));
                    if (linear) {
                        assertThat(relativeError(before, after)).as(rule.name()).isBetween(1e-9, 1e-3);
                    } else {
                        assertThat(after).as(rule.name()).isEqualTo(before);
                    }
                }
            }
            assertThat(reports).hasSize(checkpoint.rules().size());
        }
    }

    private static boolean isHead(TensorRule rule) {
        return rule.role() instanceof TensorRole.OutputHead;
    }

    private static double relativeError(float[] before, float[] after) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < before.length; i++) {
            error += (before[i] - after[i]) * (before[i] - after[i]);
            size += before[i] * before[i];
        }
        return error / size;
    }
}
