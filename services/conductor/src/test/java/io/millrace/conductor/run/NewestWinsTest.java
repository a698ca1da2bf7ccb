package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunFailed;
import io.millrace.events.RunStatus;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whatever the order of arrival, the newest checkpoint is the one that counts. */
class NewestWinsTest extends NewestWinsFixture {
    @Test
    void aNewerCheckpointSupersedesARunThatNobodyBegan() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);

        world.publish(NEW);

        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);
        assertThat(status(NEW)).isEqualTo(RunStatus.REQUESTED);
    }

    @Test
    void aRunThatSomebodyBeganIsNotSuperseded() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        world.hear(Answers.started(world.lastJob(), world.now()));

        world.publish(NEW);

        assertThat(status(OLD)).isEqualTo(RunStatus.WORKING);
    }

    @Test
    void keepKeepsOlderRuns() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);

        world.publish(NEW);

        assertThat(status(OLD)).isEqualTo(RunStatus.REQUESTED);
    }

    @ParameterizedTest
    @EnumSource(
            value = OperatorRequest.Kind.class,
            names = {"RETRY", "RECOMPUTE"})
    void noRequestBeginsWhatANewerOneSuperseded(OperatorRequest.Kind kind) {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        world.publish(NEW);

        world.ask(kind, id(OLD));

        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);
        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void aCheckpointWhoseRecordIsReadTwiceSupersedesNothingThatWasAskedForSince() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        finish(world.lastJob());
        world.publish(NEW);
        world.ask(OperatorRequest.Kind.RECOMPUTE, id(OLD));

        world.publish(NEW);

        assertThat(status(OLD)).isEqualTo(RunStatus.REQUESTED);
    }

    /** Its folder was moved, and it is published from there: training did not make it anew. */
    @Test
    void aCheckpointThatIsPublishedAgainFromElsewhereIsNoNewerThanItWas() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        world.publish(NEW);

        world.publish(new CheckpointPublished(
                OLD.model(),
                OLD.version(),
                OLD.step(),
                new ArtifactRef(OLD.artifact().manifest(), URI.create("file:/moved")),
                OLD.numbers(),
                OLD.parent(),
                OLD.labels(),
                NEW.publishedAt().plusSeconds(1)));

        assertThat(status(NEW)).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.openRuns()).hasSize(1);
    }

    @Test
    void theOrderOfArrivalDoesNotMatter() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(NEW);

        world.publish(OLD);

        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);
        assertThat(status(NEW)).isEqualTo(RunStatus.REQUESTED);
    }

    @Test
    void ofTwoThatWerePublishedAtOnceTheGreaterDigestIsTheNewer() {
        CheckpointPublished other = Given.checkpoint("v1b");
        boolean greater = other.artifact().manifest().compareTo(OLD.artifact().manifest()) > 0;
        for (List<CheckpointPublished> order : List.of(List.of(OLD, other), List.of(other, OLD))) {
            World one = new World();
            one.apply(policy(Policy.OnNewer.SUPERSEDE));
            order.forEach(one::publish);

            assertThat(one.openRuns()).extracting(RunState::id).containsExactly(id(greater ? other : OLD));
        }
    }

    @Test
    void theSameCheckpointTwiceIsOneRun() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        List<Output> before = world.outputs();

        world.publish(OLD);

        assertThat(world.outputs()).isEqualTo(before);
    }

    @Test
    void theSameVersionWithOtherWeightsFailsInPlainSight() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        CheckpointPublished other = Given.withWeights(OLD, "other weights");

        world.publish(other);

        assertThat(status(other)).isEqualTo(RunStatus.FAILED);
        assertThat(world.published(RunFailed.class))
                .singleElement()
                .extracting(RunFailed::failure)
                .satisfies(failure -> {
                    assertThat(failure.reason()).isEqualTo(Reason.VERSION_CONFLICT);
                    assertThat(failure.message())
                            .contains("manifest is " + OLD.artifact().manifest().hex() + ", and now it is "
                                    + other.artifact().manifest().hex());
                });
        world.ask(OperatorRequest.Kind.RETRY, id(other));
        world.ask(OperatorRequest.Kind.RECOMPUTE, id(other));
        assertThat(status(other)).isEqualTo(RunStatus.FAILED);
        assertThat(world.jobs()).hasSize(1);
    }

    @Test
    void theSameVersionWithOtherWeightsIsToldOnceToWhoeverAskedAndElseToTheDeadLetters() {
        world.publish(OLD);
        CheckpointPublished other = Given.withWeights(OLD, "other weights");

        world.publish(other);
        assertThat(refused()).hasSize(1);

        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(other);
        world.publish(other);

        assertThat(world.published(RunFailed.class)).hasSize(1);
        assertThat(refused()).hasSize(1);
    }

    @Test
    void aTimeFarAheadOfItsRecordIsRefused() {
        world.apply(policy(Policy.OnNewer.KEEP));

        world.publish(NEW, NEW.publishedAt().minus(Duration.ofMinutes(5)).minusMillis(1));

        assertThat(world.outputs()).singleElement().isInstanceOf(Output.RefuseRecord.class);
        world.publish(NEW, NEW.publishedAt().minus(Duration.ofMinutes(5)));
        assertThat(world.jobs()).hasSize(1);
    }

    private List<Output> refused() {
        return world.outputs().stream()
                .filter(Output.RefuseRecord.class::isInstance)
                .toList();
    }
}
