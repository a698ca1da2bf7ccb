package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.conductor.Given;
import io.millrace.conductor.run.FailedStep;
import io.millrace.conductor.run.LatestModel;
import io.millrace.conductor.run.Position;
import io.millrace.conductor.run.RunRequest;
import io.millrace.conductor.run.Ticket;
import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.JobKey;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Step;
import io.millrace.events.Target;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.kafka.common.serialization.Serde;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StateJsonTest {
    private final Serde<Ticket.Phase> phases = StateJson.serde(Ticket.Phase.class);

    @Test
    void queuedJobOfAnEarlierVersionCountsAsIssuedLongAgo() {
        byte[] earlier = "{\"@is\":\"Queued\",\"unattended\":true}".getBytes(StandardCharsets.UTF_8);

        assertThat(phases.deserializer().deserialize("tickets", earlier))
                .isEqualTo(new Ticket.Queued(Instant.EPOCH, true));
    }

    @Test
    void abandonedJobOfAnEarlierVersionIsCountedFromWhenItIsMet() {
        byte[] earlier = "{\"@is\":\"Abandoned\"}".getBytes(StandardCharsets.UTF_8);

        assertThat(phases.deserializer().deserialize("tickets", earlier)).isEqualTo(new Ticket.Abandoned(Instant.MAX));
    }

    @Test
    void queuedJobIsReadAsItWasWritten() {
        Ticket.Phase queued = new Ticket.Queued(Instant.parse("2026-01-02T03:04:05.006Z"), false);

        byte[] written = phases.serializer().serialize("tickets", queued);

        assertThat(phases.deserializer().deserialize("tickets", written)).isEqualTo(queued);
    }

    @Test
    void reasonOfALaterVersionIsUnknown() {
        assertThat(reason("A_LATER_REASON")).isEqualTo(Reason.UNKNOWN);
        assertThat(reason("disk-full")).isEqualTo(Reason.DISK_FULL);
    }

    @ParameterizedTest
    @EnumSource
    void reasonIsReadAsItWasWritten(Reason reason) {
        byte[] written = StateJson.serde(Reason.class).serializer().serialize("state", reason);

        assertThat(new String(written, StandardCharsets.UTF_8))
                .as("earlier versions read this")
                .isEqualTo('"' + reason.name() + '"');
        assertThat(StateJson.serde(Reason.class).deserializer().deserialize("state", written))
                .isEqualTo(reason);
    }

    private static Reason reason(String written) {
        byte[] failure = ("{\"reason\":\"" + written + "\",\"message\":\"\"}").getBytes(StandardCharsets.UTF_8);
        return StateJson.serde(Failure.class)
                .deserializer()
                .deserialize("state", failure)
                .reason();
    }

    @Test
    void latestModelOfAnEarlierVersionDoesNotSayWhichRunMadeIt() {
        LatestModel now = new LatestModel(Given.checkpoint("v1"), 3, Optional.empty());
        String written = new String(
                StateJson.serde(LatestModel.class).serializer().serialize("state", now), StandardCharsets.UTF_8);

        byte[] earlier = written.replace(",\"run\":null", "").getBytes(StandardCharsets.UTF_8);

        assertThat(new String(earlier, StandardCharsets.UTF_8)).doesNotContain("\"run\"");
        assertThat(StateJson.serde(LatestModel.class).deserializer().deserialize("state", earlier))
                .isEqualTo(now);
    }

    @Test
    void requestOfAnEarlierVersionWasThereFromTheBeginningOfTime() {
        Target target = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
        RunRequest now =
                RunRequest.of(Given.checkpoint("v1"), Given.policy(target), target, Instant.EPOCH, Given.START);
        Serde<RunRequest> requests = StateJson.serde(RunRequest.class);
        String written = new String(requests.serializer().serialize("state", now), StandardCharsets.UTF_8);

        String earlier = written.replace(",\"since\":\"1970-01-01T00:00:00Z\"", "")
                .replace(",\"reopened\":\"1970-01-01T00:00:00Z\"", "");

        assertThat(earlier).doesNotContain("since", "reopened");
        assertThat(requests.deserializer().deserialize("state", earlier.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(now);
    }

    @Test
    void positionOfAnEarlierVersionHasNoFailedSteps() {
        Position now = new Position(2, 1, Given.artifact("model"), 7, true, List.of(), List.of(), List.of(), List.of());
        Serde<Position> positions = StateJson.serde(Position.class);
        String written = new String(positions.serializer().serialize("state", now), StandardCharsets.UTF_8);

        String earlier = written.replace(",\"failed\":[]", "");

        assertThat(earlier).doesNotContain("failed");
        assertThat(positions.deserializer().deserialize("state", earlier.getBytes(StandardCharsets.UTF_8)))
                .isEqualTo(now);
    }

    @Test
    void positionIsReadAsItWasWritten() {
        Failure failure = new Failure(Reason.DIVERGED, "at step 7");
        FailedStep failed = new FailedStep(JobKey.parse("ab".repeat(32)), Device.CPU, 1, failure);
        Position position =
                new Position(2, 1, Given.artifact("model"), 7, true, List.of(), List.of(), List.of(), List.of(failed));
        Serde<Position> positions = StateJson.serde(Position.class);

        byte[] written = positions.serializer().serialize("state", position);

        assertThat(positions.deserializer().deserialize("state", written)).isEqualTo(position);
    }

    @Test
    void stepOfAnEarlierVersionAsksForNothingMore() {
        byte[] earlier = "{\"parameters\":{\"@is\":\"Gguf\",\"type\":\"Q8_0\"},\"device\":\"cpu\"}"
                .getBytes(StandardCharsets.UTF_8);

        Step step = StateJson.serde(Step.class).deserializer().deserialize("state", earlier);

        assertThat(step).isEqualTo(new Step(new Parameters.Gguf("Q8_0"), Device.CPU));
    }

    @Test
    void neuronsOfAnEarlierVersionAreRankedByTheirWeights() {
        byte[] earlier =
                "{\"parameters\":{\"@is\":\"Neurons\",\"fraction\":0.25,\"multipleOf\":256},\"device\":\"cpu\"}"
                        .getBytes(StandardCharsets.UTF_8);

        Step step = StateJson.serde(Step.class).deserializer().deserialize("state", earlier);

        assertThat(step).isEqualTo(new Step(new Parameters.Neurons(0.25, 256), Device.CPU));
    }

    @Test
    void neuronsThatAreRankedByActivationsAreReadAsTheyWereWritten() {
        Optional<Parameters.Neurons.Activations> windows = Optional.of(new Parameters.Neurons.Activations(16, 512));
        Step step = new Step(new Parameters.Neurons(0.25, 256, windows), Device.CPU);
        byte[] written = StateJson.serde(Step.class).serializer().serialize("state", step);

        assertThat(StateJson.serde(Step.class).deserializer().deserialize("state", written))
                .isEqualTo(step);
    }

    @Test
    void stepThatSaysAllIsReadAsItWasWritten() {
        GgufTensorTypes types = new GgufTensorTypes(
                true,
                Optional.of("Q8_0"),
                Optional.of("F16"),
                List.of(new GgufTensorTypes.PatternType("attn_v", "Q6_K")));
        for (GgufPartLimit limit : List.of(new GgufPartLimit.Size(4_000_000_000L), new GgufPartLimit.Tensors(128))) {
            Step step = new Step(
                    new Parameters.Gguf("Q4_K_M", types, Optional.of(limit)),
                    Device.CPU,
                    Optional.of(ArtifactRef.inStore(Digest.of("matrix"))));
            byte[] written = StateJson.serde(Step.class).serializer().serialize("state", step);

            assertThat(StateJson.serde(Step.class).deserializer().deserialize("state", written))
                    .isEqualTo(step);
        }
    }

    /** As a conductor before 'activations' read them: it would have ranked by weights, and published that. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"parameters\":{\"@is\":\"Neurons\",\"fraction\":0.25,\"multipleOf\":256,\"later\":{\"sequences\":16}},\"device\":\"cpu\"}",
                "{\"parameters\":{\"@is\":\"Neurons\",\"fraction\":0.25,\"multipleOf\":256,\"activations\":"
                        + "{\"sequences\":16,\"length\":128,\"later\":true}},\"device\":\"cpu\"}",
                "{\"parameters\":{\"@is\":\"Gguf\",\"type\":\"Q8_0\"},\"device\":\"cpu\",\"later\":\"text\"}"
            })
    void stepOfALaterVersionThatAsksForMoreIsNotReadAsIfItDidNot(String later) {
        assertThatThrownBy(() -> step(later))
                .isInstanceOf(StateJson.UnreadableStateException.class)
                .hasStackTraceContaining("\"later\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "false", "[]", "{\"sequences\":null}"})
    void stepOfALaterVersionThatAsksForNothingMoreIsReadByThisOne(String nothing) {
        assertThat(step("{\"parameters\":{\"@is\":\"Neurons\",\"fraction\":0.25,\"later\":" + nothing
                        + ",\"multipleOf\":256},\"device\":\"cpu\"}"))
                .isEqualTo(new Step(new Parameters.Neurons(0.25, 256), Device.CPU));
    }

    @Test
    void everyPartOfAPolicyIsReadWhole() throws Exception {
        Policy policy = Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q8_0"))));
        Serde<Policy> policies = StateJson.serde(Policy.class);
        JsonMapper json = new JsonMapper();
        byte[] written = policies.serializer().serialize("state", policy);
        int parts = 0;
        for (JsonNode tree = json.readTree(written); parts < parts(tree).size(); parts++) {
            ObjectNode part = parts(tree).get(parts);
            part.put("later", 1);
            byte[] later = json.writeValueAsBytes(tree);
            part.remove("later");
            assertThatThrownBy(() -> policies.deserializer().deserialize("state", later))
                    .as(part.toString())
                    .isInstanceOf(StateJson.UnreadableStateException.class);
        }
        assertThat(parts).isGreaterThan(6);
    }

    private static List<ObjectNode> parts(JsonNode tree) {
        List<ObjectNode> parts = new ArrayList<>();
        if (tree instanceof ObjectNode object) {
            parts.add(object);
        }
        tree.forEach(child -> parts.addAll(parts(child)));
        return parts;
    }

    private static Step step(String json) {
        return StateJson.serde(Step.class).deserializer().deserialize("state", json.getBytes(StandardCharsets.UTF_8));
    }
}
