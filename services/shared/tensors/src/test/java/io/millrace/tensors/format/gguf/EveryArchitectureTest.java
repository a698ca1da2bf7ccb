package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each architecture through a GGUF file and back. */
class EveryArchitectureTest {
    @TempDir
    Path parent;

    static Stream<String> architectures() {
        return Architecture.known().stream().map(Architecture::className);
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void weightsAndNumbersComeBack(String className) throws Exception {
        Path folder = GgufModels.folder(parent, config(className));
        Path file = write(folder, GgufFileType.F32);

        try (Checkpoint original = Checkpoint.open(folder);
                GgufWeights weights = GgufWeights.open(file)) {
            assertThat(weights.config()).isEqualTo(original.config());
            for (TensorSpec spec : original.tensors()) {
                float[] before = read(original, spec);
                float[] after = read(weights, spec);
                for (int i = 0; i < before.length; i++) {
                    // A gain of 1 + weight is rounded once.
                    assertThat(after[i]).as(spec.name()).isCloseTo(before[i], within(1e-7f));
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void theCommonKeysAloneSayTheSame(String className) throws Exception {
        Path folder = GgufModels.folder(parent, config(className));
        byte[] file = Files.readAllBytes(write(folder, GgufFileType.Q8_0));
        byte[] key = ModelKeys.CONFIG.getBytes(StandardCharsets.UTF_8);
        file[indexOf(file, key)] = 'x';

        try (Checkpoint original = Checkpoint.open(folder);
                GgufWeights foreign = GgufWeights.of(GgufReader.over("foreign.gguf", MemorySegment.ofArray(file)))) {
            ModelConfig expected = original.config();
            ModelConfig found = foreign.config();
            assertThat(found.architecture().ggufName())
                    .isEqualTo(expected.architecture().ggufName());
            assertThat(found.normEpsilon()).as("1e-5 although F32 holds it").isEqualTo(expected.normEpsilon());
            assertThat(found.headSize()).isEqualTo(expected.headSize());
            assertThat(found.attentionScale()).isEqualTo(expected.attentionScale());
            assertThat(found.ropeScaling()).isEqualTo(expected.ropeScaling());
            assertThat(scalingKeys(found)).isEqualTo(scalingKeys(found.ropeScaling()));
            assertThat(found.experts()).isEqualTo(expected.experts());
            assertThat(found.scoreCap()).isEqualTo(expected.scoreCap());
            assertThat(found.logitCap()).isEqualTo(expected.logitCap());
            assertThat(found.tiedHead()).isEqualTo(expected.tiedHead());
            if (!className.startsWith("Mi")) {
                // Only for Mistral and Mixtral does GGUF keep silent about a window.
                assertThat(found.attention()).isEqualTo(expected.attention());
            }
            for (TensorSpec spec : original.tensors()) {
                float[] before = read(original, spec);
                double error = Deviation.measure(before, read(foreign, spec), before.length)
                        .relativeError();
                assertThat(error).as(spec.name()).isLessThan(0.01);
            }
        }
    }

    @Test
    void otherScalingsAndHeadsThatTurnInPartComeBackFromTheCommonKeysAlone() throws Exception {
        ObjectNode yarn = config("Qwen2ForCausalLM");
        yarn.putObject("rope_scaling")
                .put("type", "yarn")
                .put("factor", 4.0)
                .put("original_max_position_embeddings", 16);
        ObjectNode partial = config("Phi3ForCausalLM").put("partial_rotary_factor", 0.75);
        partial.remove("rope_scaling");
        ObjectNode llama3 = llama3(8, 4);
        for (ObjectNode json : List.of(yarn, partial, llama3)) {
            Path folder = GgufModels.folder(
                    Files.createDirectory(parent.resolve(json.path("model_type").asText())), json);
            Path written = write(folder, GgufFileType.Q8_0);
            byte[] file = Files.readAllBytes(written);
            file[indexOf(file, ModelKeys.CONFIG.getBytes(StandardCharsets.UTF_8))] = 'x';

            try (Checkpoint original = Checkpoint.open(folder);
                    GgufWeights own = GgufWeights.open(written);
                    GgufWeights foreign =
                            GgufWeights.of(GgufReader.over("foreign.gguf", MemorySegment.ofArray(file)))) {
                assertThat(own.config()).isEqualTo(original.config());
                assertThat(foreign.config().ropeScaling())
                        .isEqualTo(original.config().ropeScaling());
                // transformers looks for it nowhere else.
                assertThat(foreign.config()
                                .json()
                                .at("/rope_scaling/original_max_position_embeddings")
                                .asInt())
                        .isEqualTo(json == yarn ? 16 : json == llama3 ? 8192 : 0);
                assertThat(scalingKeys(foreign.config()))
                        .isEqualTo(scalingKeys(foreign.config().ropeScaling()));
                assertThat(foreign.config().rotarySize())
                        .isEqualTo(original.config().rotarySize());
            }
            Files.delete(written);
        }
    }

    @Test
    void divisorsOfAnUnknownRuleAreRefusedButNotBesideOurOwnKey() throws Exception {
        Path written = write(GgufModels.folder(parent, llama3(8, 3)), GgufFileType.Q8_0);
        byte[] file = Files.readAllBytes(written);
        file[indexOf(file, ModelKeys.CONFIG.getBytes(StandardCharsets.UTF_8))] = 'x';

        assertThatThrownBy(() -> GgufWeights.of(GgufReader.over("foreign.gguf", MemorySegment.ofArray(file))))
                .hasMessage("foreign.gguf: tensor 'rope_freqs.weight' divides rotary angles by numbers of an unknown"
                        + " rule, expected that of Llama 3 with 'low_freq_factor' 1.0, 'high_freq_factor' 4.0 and a"
                        + " power of two from 1024 to 131072 as 'original_max_position_embeddings', or the key"
                        + " 'millrace.config' beside it");
        try (GgufWeights own = GgufWeights.open(written)) {
            assertThat(own.config().ropeScaling()).contains(new RopeScaling.Llama3(8, 1, 3, 8192));
        }
    }

    @Test
    void expertsAreStackedAndTheirRouterStaysF32() throws Exception {
        Path folder = GgufModels.folder(parent, config("Qwen3MoeForCausalLM"));
        Path file = write(folder, GgufFileType.Q8_0);

        try (GgufReader reader = GgufReader.open(file)) {
            Map<String, GgufTensor> tensors =
                    reader.header().tensors().stream().collect(Collectors.toMap(GgufTensor::name, tensor -> tensor));
            assertThat(tensors.get("blk.1.ffn_down_exps.weight"))
                    .satisfies(stack -> assertThat(
                                    Objects.requireNonNull(stack).shape().extents())
                            .containsExactly(3L, 256L, 128L));
            assertThat(tensors.get("blk.1.ffn_gate_inp.weight"))
                    .satisfies(router -> assertThat(
                                    Objects.requireNonNull(router).type().name())
                            .isEqualTo("F32"));
            assertThat(tensors).doesNotContainKey("blk.1.ffn_gate.weight");
        }
        Path plain = write(folder, GgufFileType.F32);
        try (Checkpoint original = Checkpoint.open(folder);
                GgufReader reader = GgufReader.open(plain)) {
            float[] expected = new float[128];
            original.read("model.layers.1.mlp.experts.2.down_proj.weight", 5, 6, MemorySegment.ofArray(expected));
            assertThat(reader.rows("blk.1.ffn_down_exps.weight", 2 * 256 + 5, 2 * 256 + 6)
                            .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED))
                    .isEqualTo(expected);
        }
    }

    @Test
    void gainsOfGemmaAreStoredWithTheirOffset() throws Exception {
        Path folder = GgufModels.folder(parent, config("Gemma3ForCausalLM"));
        Path file = write(folder, GgufFileType.Q8_0);

        try (Checkpoint original = Checkpoint.open(folder);
                GgufReader reader = GgufReader.open(file)) {
            float[] weight = new float[32];
            original.read("model.layers.0.self_attn.k_norm.weight", 0, 1, MemorySegment.ofArray(weight));
            float[] stored = reader.rows("blk.0.attn_k_norm.weight", 0, 1).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED);
            for (int i = 0; i < stored.length; i++) {
                assertThat(stored[i]).isEqualTo(weight[i] + 1);
            }
        }
    }

    @Test
    void metadataThatContradictsTheConfigIsRefused() throws Exception {
        Path folder = GgufModels.folder(parent, config("Gemma2ForCausalLM"));
        byte[] file = Files.readAllBytes(write(folder, GgufFileType.F32));
        byte[] key = "gemma2.attention.sliding_window".getBytes(StandardCharsets.UTF_8);
        file[indexOf(file, key) + key.length + Integer.BYTES] = 17;

        assertThatThrownBy(() -> GgufWeights.of(GgufReader.over("m.gguf", MemorySegment.ofArray(file))))
                .hasMessageContaining("the sliding window is OptionalInt[17] by its keys");
    }

    private static ObjectNode llama3(double factor, double high) throws IOException {
        ObjectNode json = config("LlamaForCausalLM").put("rope_theta", 500_000.0);
        json.putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("factor", factor)
                .put("low_freq_factor", 1.0)
                .put("high_freq_factor", high)
                .put("original_max_position_embeddings", 8192);
        return json;
    }

    private static Set<String> scalingKeys(ModelConfig config) {
        return config.json()
                .path("rope_scaling")
                .propertyStream()
                .map(Map.Entry::getKey)
                .collect(Collectors.toSet());
    }

    /** transformers' Gemma 3 asks for rope_type alone, older classes for type, and Phi-3's counts the entries. */
    private static Set<String> scalingKeys(Optional<RopeScaling> scaling) {
        if (scaling.isEmpty()) {
            return Set.of();
        }
        return switch (scaling.get()) {
            case RopeScaling.Linear _ -> Set.of("rope_type", "type", "factor");
            case RopeScaling.Yarn _ -> Set.of("rope_type", "type", "factor", "original_max_position_embeddings");
            case RopeScaling.LongRope _ -> Set.of("type", "short_factor", "long_factor");
            case RopeScaling.Llama3 _ ->
                Set.of(
                        "rope_type",
                        "type",
                        "factor",
                        "low_freq_factor",
                        "high_freq_factor",
                        "original_max_position_embeddings");
        };
    }

    private static ObjectNode config(String className) throws IOException {
        return TinyModels.of(className).put("hidden_size", 256).put("num_attention_heads", 8);
    }

    private Path write(Path folder, GgufFileType type) throws Exception {
        Path file = parent.resolve(type + ".gguf");
        GgufModels.write(folder, type, file, 1);
        return file;
    }

    private static float[] read(WeightSource weights, TensorSpec spec) throws IOException {
        float[] values = new float[Math.toIntExact(spec.shape().elements())];
        weights.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(values));
        return values;
    }

    private static int indexOf(byte[] bytes, byte[] wanted) {
        for (int i = 0; i <= bytes.length - wanted.length; i++) {
            if (java.util.Arrays.equals(bytes, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        throw new AssertionError("not found");
    }
}
