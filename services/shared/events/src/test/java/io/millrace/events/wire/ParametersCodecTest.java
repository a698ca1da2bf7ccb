package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.CompressedModules;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Literature;
import io.millrace.events.Parameters;
import io.millrace.events.StageName;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ParametersCodecTest {
    static Stream<Parameters> parameters() {
        return Stream.of(
                new Parameters.Magnitude(OptionalDouble.of(0.5), OptionalDouble.empty(), false),
                new Parameters.Magnitude(OptionalDouble.empty(), OptionalDouble.of(1e-9), true),
                new Parameters.Neurons(0.25, 256),
                new Parameters.Neurons(0.25, 256, Optional.of(new Parameters.Neurons.Activations(16, 512))),
                new Parameters.Distill(300, 8, 128, 2, 0.5, 5e-4, true),
                // Refused in a policy file by now, but policies that say so may be in force.
                new Parameters.Distill(300, 8, 128, 2, 0.5, 0, true),
                new Parameters.Quality(64, 2),
                new Parameters.Gguf("Q4_K_M"),
                new Parameters.Gguf(
                        "Q4_K_M",
                        new GgufTensorTypes(
                                true,
                                Optional.of("Q8_0"),
                                Optional.of("F16"),
                                List.of(new PatternType("a=b|c", "Q6_K"), new PatternType("c", "IQ4_NL"))),
                        Optional.of(new GgufPartLimit.Tensors(128))),
                gguf(new GgufPartLimit.Size(500_000_000)),
                gguf(new GgufPartLimit.Size(4_000_000_000L)),
                new Parameters.CompressedTensors("W8A16"),
                new Parameters.CompressedTensors(
                        "W8A16",
                        new CompressedModules(
                                List.of(new CompressedModules.PatternScheme("a=b|c", "FP8_DYNAMIC")),
                                List.of("o_proj")),
                        Optional.empty()),
                new Parameters.CompressedTensors(
                        "W8A16", CompressedModules.ALIKE, Optional.of(new GgufPartLimit.Size(4_000_000_000L))),
                new Parameters.Onnx("int4"),
                Literature.of("binary"),
                new Literature.Uniform(
                        4, OptionalDouble.of(127), Optional.of(new Literature.Inputs(8, OptionalDouble.of(16.5)))),
                new Literature.Uniform(8, OptionalDouble.empty(), Optional.empty()),
                new Literature.Ternary(0.75, Optional.of(new Literature.Inputs(2, OptionalDouble.empty()))),
                new Parameters.Quality(64, 512),
                new Parameters.Speed(64, 32, 5));
    }

    private static Parameters gguf(GgufPartLimit limit) {
        return new Parameters.Gguf("Q8_0", GgufTensorTypes.OF_FILE_TYPE, Optional.of(limit));
    }

    @ParameterizedTest
    @MethodSource("parameters")
    void parametersComeBackFromTheirCanonicalJson(Parameters parameters) {
        assertThat(ParametersCodec.of(parameters.stage(), parameters.name(), parameters.canonicalJson()))
                .contains(parameters);
    }

    @Test
    void unknownMethodsAndUnknownParametersAreNotOurs() {
        assertThat(ParametersCodec.of(StageName.PRUNE, "wanda", "{}")).isEmpty();
        assertThat(ParametersCodec.of(StageName.QUANTIZE, "gguf", "{\"type\":\"Q8_0\",\"imatrix\":true}"))
                .isEmpty();
    }

    /** As jobs and policies were written when there was no other ranking. */
    @Test
    void neuronsWithoutAnImportanceAreRankedByTheirWeights() {
        String json = "{\"fraction\":0.25,\"multiple-of\":256}";

        Optional<Parameters> parameters = ParametersCodec.of(StageName.PRUNE, "neurons", json);

        assertThat(parameters).contains(new Parameters.Neurons(0.25, 256, Optional.empty()));
        assertThat(parameters.orElseThrow().canonicalJson()).isEqualTo(json);
    }

    @Test
    void aRankingThatThisVersionDoesNotKnowIsNotOurs() {
        assertThat(ParametersCodec.of(
                        StageName.PRUNE,
                        "neurons",
                        "{\"fraction\":0.25,\"importance\":\"gradients\",\"multiple-of\":256}"))
                .isEmpty();
    }

    @Test
    void valuesThatTheMethodDoesNotTakeAreRefused() {
        assertThatThrownBy(() ->
                        ParametersCodec.of(StageName.PRUNE, "neurons", "{\"fraction\":\"half\",\"multiple-of\":1}"))
                .hasMessage("parameter 'fraction' is 'half' but must be of type number");
        assertThatThrownBy(() -> ParametersCodec.of(StageName.QUANTIZE, "gguf", "{}"))
                .hasMessage("parameter 'type' is 'null' but must be of type string");
        assertThatThrownBy(() -> ParametersCodec.of(StageName.QUANTIZE, "gguf", "{\"type\":\"Q9\"}"))
                .hasMessageContaining("unknown GGUF type 'Q9'");
        assertThatThrownBy(
                        () -> ParametersCodec.of(StageName.QUANTIZE, "gguf", "{\"type\":\"Q8_0\",\"tensor-type\":[1]}"))
                .hasMessage("parameter 'tensor-type' holds '1' but must hold texts");
        assertThatThrownBy(() -> ParametersCodec.of(
                        StageName.QUANTIZE, "gguf", "{\"type\":\"Q8_0\",\"tensor-type\":[\"attn_v\"]}"))
                .hasMessage("'attn_v' is not PATTERN=TYPE, such as attn_v=Q8_0");
        assertThatThrownBy(() -> ParametersCodec.of(
                        StageName.QUANTIZE,
                        "gguf",
                        "{\"split-max-size\":\"4G\",\"split-max-tensors\":9,\"type\":\"Q8_0\"}"))
                .hasMessage("parameters 'split-max-size' and 'split-max-tensors' exclude each other");
    }
}
