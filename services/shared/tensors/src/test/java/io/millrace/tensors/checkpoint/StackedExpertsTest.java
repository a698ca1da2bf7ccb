package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A checkpoint whose experts of a layer are one tensor. */
class StackedExpertsTest {
    @TempDir
    Path folder;

    /** As transformers 5 saves them with save_original_format=False. */
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "qwen3_moe"})
    void expertsInOneTensorAreReadOneByOne(String type) throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig(type), DType.BF16, 3);
        Path stacked = folder.resolve("stacked");
        writeStacked(apart, stacked, 3, false);

        requireSame(apart, stacked);
    }

    /** Likewise of a model without the prefix of the body. */
    @ParameterizedTest
    @ValueSource(strings = {"mixtral", "qwen3_moe"})
    void expertsInOneTensorAreFoundWithoutThePrefix(String type) throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig(type), DType.BF16, 3);
        Path stacked = folder.resolve("stacked");
        writeStacked(apart, stacked, 3, true);

        requireSame(apart, stacked);
        try (Checkpoint found = Checkpoint.open(stacked)) {
            String expert = found.architecture().matrix(1, 2, Projection.EXPERT_UP);
            assertThat(found.storedName(expert)).isEqualTo(BareModels.name(expert));
        }
    }

    @Test
    void aStackOfTooFewExpertsIsRefused() throws IOException {
        Path apart = TinyModels.write(folder.resolve("apart"), expertsConfig("mixtral"), DType.BF16, 3);
        writeStacked(apart, folder.resolve("stacked"), 2, false);

        assertThatThrownBy(() -> Checkpoint.open(folder.resolve("stacked")))
                .hasMessageContaining("experts.gate_up_proj' has shape [2, ")
                .hasMessageContaining(", expected [3, ");
    }

    private static void requireSame(Path apart, Path stacked) throws IOException {
        try (Checkpoint expected = Checkpoint.open(apart);
                Checkpoint found = Checkpoint.open(stacked)) {
            assertThat(found.tensors()).isEqualTo(expected.tensors());
            for (TensorRule rule : expected.rules()) {
                long rows = rule.shape().rows();
                assertThat(found.reader()
                                .rows(rule.name(), 0, rows)
                                .mismatch(expected.reader().rows(rule.name(), 0, rows)))
                        .as(rule.name())
                        .isEqualTo(-1);
            }
        }
    }

    private static ObjectNode expertsConfig(String type) throws IOException {
        return TinyModels.each().stream()
                .filter(json -> json.path("model_type").asText().equals(type))
                .findFirst()
                .orElseThrow();
    }

    /** Gate above up of each expert in one tensor of a layer, down in another, and the router under a common name. */
    private static void writeStacked(Path apart, Path stacked, int experts, boolean bare) throws IOException {
        try (Checkpoint source = Checkpoint.open(apart)) {
            Map<String, List<String>> parts = new LinkedHashMap<>();
            for (TensorRule rule : source.rules()) {
                String block = "model.layers." + rule.layer().orElse(-1) + ".mlp.";
                if (rule.role() instanceof TensorRole.Router) {
                    parts.put(block + "gate.weight", List.of(rule.name()));
                } else if (rule.expert().isEmpty()) {
                    parts.put(rule.name(), List.of(rule.name()));
                } else if (rule.role().equals(new TensorRole.Linear(Projection.EXPERT_GATE))
                        && rule.expert().getAsInt() == 0) {
                    List<String> gateUp = new ArrayList<>();
                    List<String> down = new ArrayList<>();
                    for (int e = 0; e < experts; e++) {
                        int layer = rule.layer().getAsInt();
                        gateUp.add(source.architecture().matrix(layer, e, Projection.EXPERT_GATE));
                        gateUp.add(source.architecture().matrix(layer, e, Projection.EXPERT_UP));
                        down.add(source.architecture().matrix(layer, e, Projection.EXPERT_DOWN));
                    }
                    parts.put(block + "experts.gate_up_proj", gateUp);
                    parts.put(block + "experts.down_proj", down);
                }
            }
            List<TensorSpec> specs = new ArrayList<>();
            parts.forEach((name, names) -> specs.add(
                    TensorSpec.plain(bare ? BareModels.name(name) : name, DType.BF16, stack(source, names, experts))));
            try (DenseWriter writer =
                    DenseWriter.original(stacked, source.config().json(), specs)) {
                for (String part : parts.values().stream().flatMap(List::stream).toList()) {
                    writer.append(source.reader()
                            .rows(part, 0, source.spec(part).shape().rows()));
                }
                writer.finish();
            }
        }
    }

    private static Shape stack(Checkpoint source, List<String> names, int experts) {
        Shape each = source.spec(names.getFirst()).shape();
        return names.size() == 1 ? each : Shape.of(experts, names.size() / experts * each.rows(), each.rowLength());
    }
}
