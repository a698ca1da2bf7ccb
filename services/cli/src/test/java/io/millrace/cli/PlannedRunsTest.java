package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.conductor.run.Forgotten;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PlannedRunsTest {
    private static final ModelName MODEL = new ModelName("chat-small");
    private static final Target PHONE = new Target(
            "phone",
            Device.CPU,
            Device.CPU,
            new TextUse(ArtifactRef.inStore(Digest.of("text")), 64, 256, 0),
            Optional.empty(),
            List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
            new Gate(List.of(new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05))));
    private static final CheckpointPublished OLD = checkpoint("v1");
    private static final CheckpointPublished NEW = checkpoint("v2");
    private static final Map<ModelName, List<CheckpointPublished>> NEWEST_FIRST = Map.of(MODEL, List.of(NEW, OLD));

    private static final Forgotten NOTHING_FORGOTTEN =
            new Forgotten(Optional.empty(), Duration.ofDays(90), NEW.publishedAt());

    @Test
    void aPolicyStartsARunOfTheNewestCheckpointUnlessThereIsOne() {
        assertThat(PlannedRuns.count(policy(1), Map.of(), NEWEST_FIRST, NOTHING_FORGOTTEN))
                .isEqualTo(1);
        assertThat(PlannedRuns.count(policy(1), Map.of(id(NEW), RunStatus.PUBLISHED), NEWEST_FIRST, NOTHING_FORGOTTEN))
                .isZero();
    }

    @Test
    void aPolicyStartsNothingOfAModelThatItDoesNotMatch() {
        assertThat(PlannedRuns.count(
                        policy(1), Map.of(), Map.of(new ModelName("vision"), List.of(NEW)), NOTHING_FORGOTTEN))
                .isZero();
    }

    @Test
    void aBackfillStartsWhatWasSupersededToo() {
        Map<RunId, RunStatus> runs = Map.of(id(NEW), RunStatus.PUBLISHED, id(OLD), RunStatus.SUPERSEDED);

        assertThat(PlannedRuns.count(policy(2), runs, NEWEST_FIRST, NOTHING_FORGOTTEN))
                .isEqualTo(1);
        assertThat(PlannedRuns.count(policy(1), Map.of(id(NEW), RunStatus.SUPERSEDED), NEWEST_FIRST, NOTHING_FORGOTTEN))
                .isZero();
    }

    /** As the conductor does, which forgets a run 90 days after its end. */
    @Test
    void aChangeStartsNoRunThatMayHaveEndedLongAgo() {
        Instant published = NEW.publishedAt();
        for (Duration age : List.of(Duration.ofDays(90), Duration.ofDays(91))) {
            long expected = age.toDays() > 90 ? 0 : 1;
            Forgotten former = new Forgotten(Optional.of(policy(1)), Duration.ofDays(90), published.plus(age));
            Forgotten none = new Forgotten(Optional.empty(), Duration.ofDays(90), published.plus(age));

            assertThat(PlannedRuns.count(policy(1), Map.of(), NEWEST_FIRST, former))
                    .as("%s", age)
                    .isEqualTo(expected);
            assertThat(PlannedRuns.count(policy(2), Map.of(), NEWEST_FIRST, former))
                    .isEqualTo(2);
            assertThat(PlannedRuns.count(policy(1), Map.of(), NEWEST_FIRST, none))
                    .isEqualTo(1);
        }
    }

    /** As whoever publishes a folder once more sends it, with the time at which that is done. */
    @Test
    void aVersionThatIsPublishedAgainIsNoOtherAndNoNewerCheckpoint() {
        CheckpointPublished old = published("v1", "v1", 0);
        CheckpointPublished next = published("v2", "v2", 60);

        assertThat(PlannedRuns.newestFirst(List.of(
                        old, next, published("v1", "v1", 120), published("v2", "v2", 180), published("v1", "x", 240))))
                .isEqualTo(Map.of(MODEL, List.of(next, old)));
    }

    /** The conductor plans the newest one at least. */
    @Test
    void aBackfillIsOneCheckpointOrMore() {
        assertThat(Backfill.parse("1")).isEqualTo(1);
        assertThat(Backfill.parse("all")).isEqualTo(Integer.MAX_VALUE);
        for (String wrong : List.of("0", "-1", "two", "")) {
            assertThatThrownBy(() -> Backfill.parse(wrong))
                    .isInstanceOfSatisfying(
                            CommandFailure.class,
                            failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE))
                    .hasMessage("--backfill is '" + wrong + "'; give a number from 1, or 'all'");
        }
    }

    private static Policy policy(int backfill) {
        return new Policy("chat-models", "chat-*", Policy.OnNewer.SUPERSEDE, List.of(PHONE), 1, backfill);
    }

    private static RunId id(CheckpointPublished checkpoint) {
        return RunId.of(checkpoint, "chat-models", PHONE);
    }

    private static CheckpointPublished checkpoint(String version) {
        return published(version, version, 0);
    }

    private static CheckpointPublished published(String version, String weights, int seconds) {
        return new CheckpointPublished(
                MODEL,
                version,
                1,
                ArtifactRef.inStore(Digest.of(weights)),
                new ModelNumbers("LlamaForCausalLM", 2_000_000, 256, 256, 1024, 2, 4, 2, 512, "BF16"),
                Optional.empty(),
                Map.of(),
                Instant.parse("2026-03-01T12:00:00Z").plusSeconds(seconds));
    }
}
