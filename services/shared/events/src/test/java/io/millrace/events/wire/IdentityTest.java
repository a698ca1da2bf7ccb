package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.Job;
import io.millrace.events.ModelName;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.RunId;
import io.millrace.events.Samples;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The encodings of job keys and run ids, against vectors that were made without this code. */
class IdentityTest {
    static Stream<JsonNode> jobs() throws IOException {
        return golden().get("jobs").valueStream();
    }

    @ParameterizedTest
    @MethodSource("jobs")
    void jobKeysAreThoseOfTheGoldenVectors(JsonNode vector) {
        StageName stage = StageName.named(vector.get("stage").asText()).orElseThrow();
        Parameters parameters = ParametersCodec.of(
                        stage,
                        vector.get("method").asText(),
                        vector.get("parameters").asText())
                .orElseThrow();
        Map<Role, ArtifactRef> inputs = new EnumMap<>(Role.class);
        vector.get("inputs")
                .properties()
                .forEach(input -> inputs.put(
                        Role.named(input.getKey()).orElseThrow(),
                        ArtifactRef.inStore(new Digest(input.getValue().asText()))));

        Job job = new Job(
                Samples.MODEL,
                Samples.RUN,
                1,
                inputs,
                parameters,
                new Device(vector.get("device").asText()),
                vector.get("seed").asLong());

        assertThat(parameters.canonicalJson())
                .isEqualTo(vector.get("parameters").asText());
        assertThat(Digest.of(vector.get("encoding").asText()).hex())
                .as("the vector itself")
                .isEqualTo(vector.get("key").asText());
        assertThat(job.key().toString())
                .as(vector.get("name").asText())
                .isEqualTo(vector.get("key").asText());
    }

    @Test
    void keyForgetsWhoAsksAndWhereTheBytesLie() {
        Job moved = new Job(
                new ModelName("other"),
                new RunId(Digest.of("other run")),
                9,
                Map.of(Role.MODEL, new ArtifactRef(Digest.of("m"), URI.create("file:/elsewhere"))),
                new Parameters.Gguf("Q8_0"),
                new Device("h100"),
                0);
        Job first = new Job(
                Samples.MODEL,
                Samples.RUN,
                1,
                Map.of(Role.MODEL, ArtifactRef.inStore(Digest.of("m"))),
                new Parameters.Gguf("Q8_0"),
                Device.CPU,
                0);

        assertThat(moved.key()).isEqualTo(first.key());
    }

    @Test
    void runIdIsThatOfTheGoldenVector() throws IOException {
        JsonNode vector = golden().get("run");
        Target target = new Target(
                "phone",
                new Device("jetson"),
                Device.CPU,
                new TextUse(ArtifactRef.inStore(Digest.of("evaluation")), 64, 512, 0),
                Optional.of(new TextUse(ArtifactRef.inStore(Digest.of("calibration")), 128, 512, 7)),
                List.of(
                        new Recipe(List.of(
                                new Step(new Parameters.Neurons(0.25, 256), Device.CPU),
                                new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU))),
                        new Recipe(List.of(new Step(new Parameters.Gguf("Q6_K"), new Device("h100"))))),
                new Gate(List.of(Samples.TOP_TOKEN_LIMIT, Samples.PERPLEXITY_LIMIT)));
        CheckpointPublished checkpoint = Samples.CHECKPOINT;

        assertThat(target.canonicalJson()).isEqualTo(vector.get("target").asText());
        assertThat(Digest.of(vector.get("encoding").asText()).hex())
                .isEqualTo(vector.get("id").asText());
        assertThat(RunId.of(checkpoint, vector.get("policy").asText(), target).toString())
                .isEqualTo(vector.get("id").asText());
    }

    private static JsonNode golden() throws IOException {
        try (InputStream in = IdentityTest.class.getResourceAsStream("/identities.json")) {
            return new ObjectMapper().readTree(in);
        }
    }
}
