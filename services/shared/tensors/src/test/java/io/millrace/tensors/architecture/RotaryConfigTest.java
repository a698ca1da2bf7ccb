package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Rotary positions and their scalings, wherever the versions of transformers state them. */
class RotaryConfigTest extends ConfigFixture {
    @Test
    void llama3ScalingIsRead() throws IOException {
        ModelConfig config = parse(json -> json.set(
                "rope_scaling",
                value(
                        "{\"rope_type\": \"llama3\", \"factor\": 32.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
                                + " \"original_max_position_embeddings\": 8192}")));

        assertThat(config.ropeScaling()).contains(new RopeScaling.Llama3(32, 1, 4, 8192));
    }

    @Test
    void yarnReachesFromTheOriginalPositionsWhereverTheyStand() throws IOException {
        assertThat(parse(json -> json.set("rope_scaling", value("{\"type\": \"yarn\", \"factor\": 4}")))
                        .ropeScaling())
                .contains(new RopeScaling.Yarn(4, 64));
        assertThat(parse(json -> json.set("rope_parameters", value("""
                        {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 32, "rope_theta": 1e4,
                         "attention_factor": 1.1386294361, "beta_fast": 32, "beta_slow": 1}
                        """))).ropeScaling())
                .contains(new RopeScaling.Yarn(4, 32));
    }

    @Test
    void aKindThatNoFamilyHasIsRefusedWithThoseThatThisOneHas() {
        for (String kind : List.of("dynamic", "longrope", "su", "Linear")) {
            assertThatThrownBy(() -> parse(
                            json -> json.set("rope_scaling", value("{\"type\": \"" + kind + "\", \"factor\": 2.0}"))))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining("rope scaling '" + kind + "' is not supported for LlamaForCausalLM, expected"
                            + " 'llama3' or 'linear' or 'yarn' or none");
        }
    }

    @Test
    void ropeParametersOfNewerExportersCount() throws IOException {
        Consumer<ObjectNode> newer =
                json -> json.set("rope_parameters", value("{\"rope_type\": \"default\", \"rope_theta\": 500000.0}"));

        ModelConfig config = parse(newer.andThen(json -> json.remove("rope_theta")));

        assertThat(config.ropeTheta()).isEqualTo(500_000);
        assertThat(config.ropeScaling()).isEmpty();
        // As transformers 4 writes what transformers 5 wrote.
        assertThatThrownBy(() -> parse(newer.andThen(json -> json.put("rope_theta", 10_000.0))))
                .hasMessageContaining("'rope_theta' is 10000.0, and 500000.0 in 'rope_parameters', expected the same");
    }

    /** transformers 5 lets the older object replace the newer, and takes from beside them what the older does not say. */
    @Test
    void ropeScalingBesideRopeParametersCountsIfNothingIsLostByIt() throws IOException {
        Consumer<ObjectNode> scaled =
                json -> json.set("rope_scaling", value("{\"rope_type\": \"yarn\", \"factor\": 4}"));
        Consumer<ObjectNode> both = scaled.andThen(json -> json.set(
                "rope_parameters", value("{\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 500000.0}")));

        assertThatThrownBy(() -> parse(both))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("whose 'rope_theta' 500000.0 it takes out of force in transformers 5")
                .hasMessageContaining("move what 'rope_scaling' says into 'rope_parameters'");
        ModelConfig config = parse(both.andThen(json -> json.put("rope_theta", 500_000)));
        assertThat(config.ropeTheta()).isEqualTo(500_000);
        assertThat(config.ropeScaling()).contains(new RopeScaling.Yarn(4, 64));
        // An empty one is none.
        Consumer<ObjectNode> empty = json -> json.set("rope_scaling", value("{}"));
        assertThat(parse(both.andThen(empty).andThen(json -> json.put("rope_theta", 500_000)))
                        .ropeScaling())
                .contains(new RopeScaling.Linear(2));
    }

    @Test
    void theRotaryBaseMayStandWithinRopeScaling() throws IOException {
        Consumer<ObjectNode> inner = json ->
                json.set("rope_scaling", value("{\"rope_type\": \"yarn\", \"factor\": 4, \"rope_theta\": 500000.0}"));

        assertThat(parse(inner.andThen(json -> json.remove("rope_theta"))).ropeTheta())
                .isEqualTo(500_000);
        assertThatThrownBy(() -> parse(inner.andThen(json -> json.put("rope_theta", 10_000))))
                .hasMessageContaining("'rope_theta' is 10000, and 500000.0 in 'rope_scaling', expected the same");
    }

    @Test
    void originalPositionsStatedTwiceMustAgree() {
        assertThatThrownBy(() -> parse(json -> {
                    json.put("original_max_position_embeddings", 32);
                    json.set("rope_scaling", value("""
                            {"rope_type": "yarn", "factor": 4, "original_max_position_embeddings": 16}"""));
                }))
                .hasMessageContaining("'original_max_position_embeddings' is 32, and 16 beside the rope scaling");
    }

    /** GGUF states them for Phi-3 without a rope scaling, too. */
    @Test
    void originalPositionsBeyondAnyCountAreRefused() throws IOException {
        ObjectNode phi = TinyModels.config("Phi3ForCausalLM", "phi3");
        phi.put("original_max_position_embeddings", (1L << 32) + 1);

        assertThatThrownBy(() -> ModelConfig.of(phi, "config.json"))
                .hasMessageContaining("'original_max_position_embeddings' is 4294967297, expected a whole number");
    }

    @Test
    void headsThatTurnInPartTurnByOneFactor() throws IOException {
        ObjectNode phi = TinyModels.config("Phi3ForCausalLM", "phi3");
        phi.put("original_max_position_embeddings", 32).put("partial_rotary_factor", 0.5);
        phi.set("rope_parameters", value("{\"rope_type\": \"default\", \"partial_rotary_factor\": 0.75}"));

        assertThatThrownBy(() -> ModelConfig.of(phi, "config.json"))
                .hasMessageContaining("'partial_rotary_factor' is [0.5, 0.75] in one place and another");
    }

    @Test
    void rotarySettingsPerKindOfLayerAreRead() throws IOException {
        ObjectNode json = TinyModels.of("Gemma3ForCausalLM");
        ModelConfig older = ModelConfig.of(json, "config.json");
        ObjectNode newer = json.deepCopy();
        newer.remove(List.of("rope_theta", "rope_local_base_freq", "rope_scaling"));
        newer.set("rope_parameters", value("""
                {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000000.0},
                 "sliding_attention": {"rope_type": "default", "rope_theta": 20000.0}}
                """));

        assertThat(ModelConfig.of(newer, "config.json").attention()).isEqualTo(older.attention());
    }
}
