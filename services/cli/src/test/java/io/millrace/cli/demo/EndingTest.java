package io.millrace.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.local.Home;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class EndingTest {
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @Test
    void honestTargetsPublishedAndTheImpossibleOneRejectedIsAsItShouldBe() {
        assertThat(Demo.asHoped(runs(RunStatus.PUBLISHED, RunStatus.REJECTED))).isTrue();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PUBLISHED")
    void anHonestTargetWithoutAModelIsNot(RunStatus status) {
        assertThat(Demo.asHoped(runs(status, RunStatus.REJECTED))).isFalse();
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "REJECTED")
    void anImpossibleTargetThatIsNotRejectedIsNot(RunStatus status) {
        assertThat(Demo.asHoped(runs(RunStatus.PUBLISHED, status))).isFalse();
    }

    @Test
    void whatIsNotAsItShouldBeIsNamedAndTheDemoFails() {
        StringWriter said = new StringWriter();

        boolean good = new Ending(runs(RunStatus.REJECTED, RunStatus.REJECTED), List.of(), 20)
                .tell(new PrintWriter(said), new Home(Path.of("demo-home")), 7);

        assertThat(good).isFalse();
        assertThat(said.toString().lines().filter(line -> line.startsWith("NOT AS IT SHOULD BE")))
                .hasSize(DemoPolicy.HONEST.size())
                .allMatch(line -> line.contains("is rejected; 'millrace show "));
    }

    /** Nothing tells how well the model was trained. */
    @Test
    void withoutAModelTheDemoFailsWhateverTheRunsSay() {
        assertThat(new Ending(runs(RunStatus.PUBLISHED, RunStatus.REJECTED), List.of(), 20)
                        .tell(new PrintWriter(new StringWriter()), new Home(Path.of("demo-home")), 7))
                .isFalse();
    }

    @Test
    void aTrainedModelAndRunsThatEndedAsTheyShouldMakeTheDemoGood() {
        assertThat(good(RunStatus.PUBLISHED, model(10, 19), model(20, 2))).isTrue();
    }

    /** However well the model was trained. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PUBLISHED")
    void aRunThatDidNotEndAsItShouldMakesTheDemoFail(RunStatus status) {
        assertThat(good(status, model(20, 2))).isFalse();
    }

    /** A third of the unigram model's perplexity at most, and a text that is not trivial. */
    @Test
    void aModelThatWasTrainedBadlyMakesTheDemoFail() {
        assertThat(good(RunStatus.PUBLISHED, model(20, 7))).isFalse();
        assertThat(good(RunStatus.PUBLISHED, model(20, 1.4))).isFalse();
        assertThat(good(RunStatus.PUBLISHED, model(10, 2), model(20, 7)))
                .as("the last checkpoint counts")
                .isFalse();
    }

    private static boolean good(RunStatus honest, ModelPublished... models) {
        return new Ending(runs(honest, RunStatus.REJECTED), List.of(models), 20)
                .tell(new PrintWriter(new StringWriter()), new Home(Path.of("demo-home")), 7);
    }

    private static ModelPublished model(long step, double perplexity) {
        CheckpointPublished source = new CheckpointPublished(
                new ModelName("stories"),
                "step-" + step,
                step,
                ArtifactRef.inStore(Digest.of("checkpoint " + step)),
                new ModelNumbers("LlamaForCausalLM", 1000, 256, 8, 16, 1, 1, 1, 64, "F32"),
                Optional.empty(),
                Map.of(),
                NOW);
        Measurement measured = new Measurement(
                Metric.PERPLEXITY.wireName(),
                OptionalDouble.of(perplexity + 0.1),
                OptionalDouble.empty(),
                OptionalDouble.of(perplexity),
                Metric.PERPLEXITY.unit(),
                "djl",
                Device.CPU,
                64,
                Optional.empty(),
                "");
        return new ModelPublished(
                new RunId(Digest.of("laptop")),
                source.model(),
                source.version(),
                "demo",
                "laptop",
                Device.CPU,
                ArtifactRef.inStore(Digest.of("model " + step)),
                "gguf",
                "Q4_K_M",
                source,
                "recipe",
                0,
                new Decision.Accepted(List.of(measured), List.of()),
                7,
                16,
                NOW);
    }

    private static List<RunChanged> runs(RunStatus honest, RunStatus impossible) {
        return Stream.concat(
                        DemoPolicy.HONEST.stream().map(target -> run(target, honest)),
                        Stream.of(run(DemoPolicy.IMPOSSIBLE, impossible)))
                .toList();
    }

    private static RunChanged run(String target, RunStatus status) {
        return new RunChanged(
                new RunId(Digest.of(target)),
                new ModelName("stories"),
                "step-1",
                "demo",
                target,
                NOW,
                NOW,
                status,
                0,
                1,
                0,
                3,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                1,
                false,
                0,
                0,
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }
}
