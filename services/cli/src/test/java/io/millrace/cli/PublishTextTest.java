package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Failure;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.RunStatus;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What {@code publish} and {@code subscribe} tell of checkpoints and models. */
class PublishTextTest {
    private static final CheckpointPublished CHECKPOINT = KnownEvents.checkpoint(KnownEvents.CHAT, "4000", 128, 0);

    @Test
    void eachRunThatBeginsIsNamedAndHowManyAreMissing() {
        String text = PublishCommand.text(
                CHECKPOINT,
                List.of(
                        KnownEvents.state(KnownEvents.run("one"), RunStatus.REQUESTED, 0),
                        KnownEvents.state(
                                KnownEvents.run("other"),
                                KnownEvents.CHAT,
                                RunStatus.FAILED,
                                0,
                                0,
                                Optional.of(new Failure(Reason.VERSION_CONFLICT, "other files")),
                                List.of(),
                                List.of())),
                List.of(),
                5);

        assertThat(text.lines())
                .containsExactly(
                        "chat-7b 4000 is published; runs:",
                        "  " + KnownEvents.run("one").digest().abbreviated() + "  phone  requested",
                        "  " + KnownEvents.run("other").digest().abbreviated()
                                + "  phone  failed, version-conflict: other files",
                        "  and 3 not planned yet; is the conductor running, and does 'millrace dead-letters list' show the"
                                + " checkpoint?");
    }

    @Test
    void whereNoPolicyMatchesThosePoliciesThatThereAreAreNamedWithWhatTheyMatch() {
        assertThat(PublishCommand.text(CHECKPOINT, List.of(), List.of(policy("small", "small-*")), 0))
                .isEqualTo("chat-7b 4000 is published; no policy matches chat-7b; policies: small (small-*)");
        assertThat(PublishCommand.text(CHECKPOINT, List.of(), List.of(), 0)).endsWith("policies: none");
    }

    @Test
    void aModelThatIsPublishedIsALineForPeople() {
        ArtifactRef artifact = KnownEvents.artifact("model");

        assertThat(SubscribeCommand.line(KnownEvents.model(
                        KnownEvents.run("one"), "4000", artifact, new Decision.Accepted(List.of(), List.of()), 7)))
                .isEqualTo("2026-11-30T10:07:00Z  chat-7b  4000  phone  gguf Q4_K_M  3.0 MiB  "
                        + artifact.manifest().hex());
    }

    private static Policy policy(String name, String models) {
        Target target = new Target(
                "phone",
                Device.CPU,
                Device.CPU,
                new TextUse(KnownEvents.artifact("text"), 64, 512, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
                new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.9))));
        return new Policy(name, models, Policy.OnNewer.KEEP, List.of(target), 1, 1);
    }
}
