package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.checkpoint.TinyModels;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What other tools write into a GGUF, and what readers of folders made of one ask for. */
class ForeignKeysTest {
    private static final String PATTERN = "gemma3.attention.sliding_window_pattern";

    @TempDir
    Path parent;

    static Stream<String> architectures() {
        return Architecture.known().stream().map(Architecture::className);
    }

    @ParameterizedTest
    @MethodSource("architectures")
    void aConfigMadeOfKeysSpellsOutWhatReadersOtherThanTransformersDoNotAssume(String className) throws Exception {
        ObjectNode json = config(className, Map.of()).json();

        String activation = className.startsWith("Gemma") ? "gelu_pytorch_tanh" : "silu";
        assertThat(json.path("hidden_act").asText()).isEqualTo(activation);
        assertThat(json.path("hidden_activation").asText(activation)).isEqualTo(activation);
        assertThat(json.has("hidden_activation")).isEqualTo(className.startsWith("Gemma"));
        assertThat(json.path("attention_bias").asBoolean(true)).isEqualTo(className.startsWith("Qwen2"));
        if (className.startsWith("Qwen")) {
            assertThat(json.path("use_sliding_window").asBoolean(true)).isFalse();
            assertThat(json.path("max_window_layers")).isEqualTo(json.path("num_hidden_layers"));
        }
        if (className.startsWith("Qwen3Moe")) {
            assertThat(json.path("decoder_sparse_step").asInt()).isOne();
            assertThat(json.path("mlp_only_layers").isArray()).isTrue();
        }
    }

    @Test
    void theLocalRotaryBaseThatOllamaWritesCounts() throws Exception {
        ModelConfig config = config("Gemma3ForCausalLM", Map.of("gemma3.rope.local.freq_base", GgufValue.f32(5_000)));

        assertThat(ModelKeys.localRopeBase(config)).isEqualTo(OptionalDouble.of(5_000));
    }

    /** Of 46 layers Gemma 2 has another number than the size of its heads, for which GGUF has no key. */
    @Test
    void whatScoresAreDividedByFollowsFromTheNumberOfLayers() throws Exception {
        ObjectNode json =
                TinyModels.of("Gemma2ForCausalLM").put("hidden_size", 64).put("intermediate_size", 64);
        json.put("num_attention_heads", 1).put("num_key_value_heads", 1);

        ModelConfig usual = config(json.deepCopy(), Map.of());
        ModelConfig largest =
                config(json.deepCopy().put("num_hidden_layers", 46).put("query_pre_attn_scalar", 64), Map.of());

        assertThat(usual.attentionScale()).isEqualTo(1 / Math.sqrt(32));
        assertThat(largest.attentionScale()).isEqualTo(1 / Math.sqrt(64));
    }

    @Test
    void aListOfWindowsOrTheirPeriodIsTakenIfItIsTheUsualOne() throws Exception {
        ModelConfig plain = config("Gemma3ForCausalLM", Map.of());

        for (GgufValue usual : List.of(flags(plain.layerCount(), 6), GgufValue.u32(6))) {
            assertThat(config("Gemma3ForCausalLM", Map.of(PATTERN, usual)).attention())
                    .isEqualTo(plain.attention());
        }
    }

    @Test
    void otherWindowsThanTheUsualOnesAreRefused() throws Exception {
        for (GgufValue other : List.of(flags(2, 2), GgufValue.u32(4), GgufValue.text("all"))) {
            assertThatThrownBy(() -> config("Gemma3ForCausalLM", Map.of(PATTERN, other)))
                    .hasMessage("foreign.gguf: key '" + PATTERN + "' gives other layers a window than"
                            + " Gemma3ForCausalLM does, which has one in all but the last of each 6 layers; other patterns are not"
                            + " supported");
        }
    }

    @Test
    void whatLlamaCppComputesWithAndConfigJsonCannotSayIsRefused() throws Exception {
        Map<String, GgufValue> yarn = Map.of(
                "qwen3.rope.scaling.type", GgufValue.text("yarn"),
                "qwen3.rope.scaling.factor", GgufValue.f32(4),
                "qwen3.rope.scaling.original_context_length", GgufValue.u32(32));

        ModelConfig plain = config("Qwen3ForCausalLM", with(yarn, "qwen3.rope.scaling.attn_factor", GgufValue.f32(1)));
        assertThat(plain.ropeScaling()).contains(new RopeScaling.Yarn(4, 32));
        assertThat(plain.json()
                        .at("/rope_scaling/original_max_position_embeddings")
                        .asInt())
                .isEqualTo(32);
        assertThatThrownBy(() ->
                        config("Qwen3ForCausalLM", with(yarn, "qwen3.rope.scaling.attn_factor", GgufValue.f32(1.25))))
                .hasMessageContaining("'qwen3.rope.scaling.attn_factor' is 1.25, expected 1 or no such key");
        assertThatThrownBy(() ->
                        config("Qwen3ForCausalLM", with(yarn, "qwen3.rope.scaling.yarn_beta_fast", GgufValue.f32(16))))
                .hasMessageContaining("found 'qwen3.rope.scaling.yarn_beta_fast'");
        assertThatThrownBy(() -> config("Qwen3ForCausalLM", Map.of("qwen3.attention.value_length", GgufValue.u32(64))))
                .hasMessageContaining("'qwen3.attention.value_length' is 64, expected the head size ");
    }

    private static Map<String, GgufValue> with(Map<String, GgufValue> keys, String key, GgufValue value) {
        Map<String, GgufValue> all = new LinkedHashMap<>(keys);
        all.put(key, value);
        return all;
    }

    @Test
    void theConfigInAFileMustAgreeWithItsKeys() throws Exception {
        ObjectNode json = config("Gemma2ForCausalLM", Map.of()).json();

        for (String key : List.of(
                "rms_norm_eps",
                "sliding_window",
                "attn_logit_softcapping",
                "final_logit_softcapping",
                "rope_theta",
                "max_position_embeddings",
                "num_hidden_layers",
                "num_attention_heads",
                "num_key_value_heads",
                "intermediate_size",
                "vocab_size")) {
            ObjectNode other = json.deepCopy();
            if (json.path(key).isIntegralNumber()) {
                other.put(key, 2 * json.path(key).asLong());
            } else {
                other.put(key, 2 * json.path(key).asDouble());
            }
            assertThatThrownBy(() ->
                            config("Gemma2ForCausalLM", Map.of(ModelKeys.CONFIG, GgufValue.text(other.toString()))))
                    .as(key)
                    .hasMessageContaining(" by its keys, but ");
        }
    }

    /** Someone may stretch a finished file's context by its keys; llama.cpp goes by them, and so must what judges it. */
    @Test
    void theScalingInAFilesConfigMustAgreeWithItsKeys() throws Exception {
        Map<String, GgufValue> yarn = Map.of(
                "qwen3.rope.scaling.type", GgufValue.text("yarn"),
                "qwen3.rope.scaling.factor", GgufValue.f32(4),
                "qwen3.rope.scaling.original_context_length", GgufValue.u32(32));
        GgufValue plain =
                GgufValue.text(config("Qwen3ForCausalLM", Map.of()).json().toString());
        GgufValue stretched =
                GgufValue.text(config("Qwen3ForCausalLM", yarn).json().toString());
        Map<String, GgufValue> stated = with(yarn, ModelKeys.CONFIG, stretched);

        assertThat(config("Qwen3ForCausalLM", stated).ropeScaling()).contains(new RopeScaling.Yarn(4, 32));
        assertThatThrownBy(() -> config("Qwen3ForCausalLM", with(yarn, ModelKeys.CONFIG, plain)))
                .hasMessageContaining(
                        "the rope scaling is yarn by 4.0 from 32 positions by its keys, but linear by 8.0 in ");
        assertThatThrownBy(() -> config("Qwen3ForCausalLM", Map.of(ModelKeys.CONFIG, stretched)))
                .hasMessageContaining(
                        "the rope scaling is linear by 8.0 by its keys, but yarn by 4.0 from 32 positions in ");
        assertThatThrownBy(
                        () -> config("Qwen3ForCausalLM", with(stated, "qwen3.rope.scaling.factor", GgufValue.f32(2))))
                .hasMessageContaining("the rope scaling is yarn by 2.0 from 32 positions by its keys");
        assertThatThrownBy(() ->
                        config("Qwen3ForCausalLM", with(stated, "qwen3.rope.scaling.type", GgufValue.text("linear"))))
                .hasMessageContaining("the rope scaling is linear by 4.0 by its keys");
    }

    private static GgufValue flags(int layers, int period) {
        List<GgufValue> windowed = new ArrayList<>();
        for (int layer = 1; layer <= layers; layer++) {
            windowed.add(new GgufValue.Flag(layer % period != 0));
        }
        return new GgufValue.Items(GgufValue.Type.BOOL, windowed);
    }

    /** Of a file without our own keys and without the local base, but with others. */
    private ModelConfig config(String className, Map<String, GgufValue> others) throws Exception {
        return config(TinyModels.of(className).put("hidden_size", 256).put("num_attention_heads", 8), others);
    }

    private ModelConfig config(ObjectNode json, Map<String, GgufValue> others) throws Exception {
        Path folder = GgufModels.folder(Files.createTempDirectory(parent, "of"), json);
        Path written = folder.resolve("own.gguf");
        GgufModels.write(folder, GgufFileType.F32, written, 1);
        byte[] whole = Files.readAllBytes(written);
        GgufHeader own;
        try (GgufReader reader = GgufReader.open(written)) {
            own = reader.header();
        }
        Map<String, GgufValue> keys = new LinkedHashMap<>(own.metadata());
        keys.keySet().removeAll(List.of(ModelKeys.CONFIG, GgufHeader.MADE_KEY, "gemma3.rope.freq_base_swa"));
        keys.putAll(others);
        byte[] header = GgufHeaderEncoder.encode(new GgufHeader(keys, own.tensors(), own.alignment()));
        int data = (int) own.dataBytes();
        byte[] file = Arrays.copyOf(header, header.length + data);
        System.arraycopy(whole, whole.length - data, file, header.length, data);
        try (GgufReader reader = GgufReader.over("foreign.gguf", MemorySegment.ofArray(file))) {
            return GgufConfig.of(reader);
        }
    }
}
