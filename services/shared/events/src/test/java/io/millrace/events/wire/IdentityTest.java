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
import io.millrace.events.JobKey;
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

    /** What a model computes depends on the engine; what it is does not. */
    @Test
    void neuronsRankedByActivationsHaveTheEngineInTheirKey() {
        Job byActivations = prune(Optional.of(new Parameters.Neurons.Activations(16, 512)));
        Job byWeights = prune(Optional.empty());
        String head = "millrace-job/1\nstage=prune\nname=neurons\nversion="
                + byWeights.parameters().version() + "\nparameters=";
        String inputs = "input=calibration-text:" + Digest.of("c").hex() + "\ninput=model:"
                + Digest.of("m").hex() + "\n";

        assertThat(byActivations.key().digest())
                .isEqualTo(Digest.of(head + "{\"fraction\":0.25,\"importance\":\"activations\",\"length\":512,"
                        + "\"multiple-of\":256,\"sequences\":16}\nseed=7\nengine=" + JobKey.ENGINE + "\n" + inputs));
        assertThat(byWeights.key().digest())
                .isEqualTo(Digest.of(head + "{\"fraction\":0.25,\"multiple-of\":256}\nseed=7\n" + inputs));
    }

    private static Job prune(Optional<Parameters.Neurons.Activations> activations) {
        return new Job(
                Samples.MODEL,
                Samples.RUN,
                1,
                Map.of(
                        Role.MODEL, ArtifactRef.inStore(Digest.of("m")),
                        Role.CALIBRATION_TEXT, ArtifactRef.inStore(Digest.of("c"))),
                new Parameters.Neurons(0.25, 256, activations),
                Device.CPU,
                7);
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
