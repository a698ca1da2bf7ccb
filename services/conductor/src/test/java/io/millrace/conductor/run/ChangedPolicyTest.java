package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which runs a policy begins of checkpoints that are there already, when it is new or changes. */
class ChangedPolicyTest extends NewestWinsFixture {
    @Test
    void aNewPolicyPlansOnlyTheNewestCheckpointOfEachModelThatItMatches() {
        world.publish(OLD);
        world.publish(NEW);
        world.publish(Given.checkpoint(new ModelName("chat-big"), "a", Given.START));
        world.publish(Given.checkpoint(new ModelName("vision"), "b", Given.START));

        world.apply(policy(Policy.OnNewer.KEEP));

        assertThat(world.openRuns())
                .extracting(run -> run.request().checkpoint().version())
                .containsExactlyInAnyOrder("v2", "a");
    }

    @Test
    void aPolicyWhoseRecordIsReadTwiceAsksOnce() {
        world.publish(OLD);
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, PHONE));
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, OTHER_PHONE));
        int jobs = world.jobs().size();
        int outputs = world.outputs().size();

        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, OTHER_PHONE));

        assertThat(world.jobs()).hasSize(jobs);
        assertThat(world.outputs()).hasSize(outputs);
    }

    @Test
    void aPolicyThatFitsMoreModelsThanBeforeBeginsRunsOfOldCheckpoints() {
        world.publish(OLD);
        world.apply(new Policy("chat-models", "vision-*", Policy.OnNewer.KEEP, List.of(PHONE), 1, 1));
        world.pass(Limits.DEFAULT.endedKept().plusDays(1));

        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, PHONE));

        assertThat(world.openRuns()).hasSize(1);
    }

    /** A newer version's algorithm makes another run of the same target; here the run of a recent checkpoint is gone. */
    @Test
    void aChangeOfAPolicyBeginsWhatIsNotKnownOfARecentCheckpoint() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        world.ask(OperatorRequest.Kind.CANCEL, id(OLD));
        world.pass(Limits.DEFAULT.endedKept());
        world.forgetEndedRuns();

        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, PHONE));

        assertThat(world.openRuns()).hasSize(1);
    }

    @Test
    void aChangeOfAPolicyDoesNotBeginARunAnewThatEndedLongAgoAndIsForgotten() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        world.ask(OperatorRequest.Kind.CANCEL, id(OLD));
        world.pass(Limits.DEFAULT.endedKept().plusDays(1));
        world.forgetEndedRuns();
        int jobs = world.jobs().size();

        Target laptop = Given.target("laptop", Given.recipe(Given.gguf("Q8_0")));
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, PHONE, laptop));

        assertThat(world.openRuns())
                .extracting(run -> run.request().target())
                .as("only the new target")
                .containsExactly(laptop);
        assertThat(world.jobs()).hasSize(jobs + 1);

        world.apply(new Policy("chat-models", "chat-*", Policy.OnNewer.KEEP, List.of(PHONE, laptop), 3, 2));

        assertThat(world.openRuns())
                .extracting(run -> run.request().target())
                .as("a wider backfill asks for it")
                .containsExactlyInAnyOrder(PHONE, laptop);
    }

    @Test
    void aRunKeepsTheTargetItWasRequestedWith() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        world.delete(policy(Policy.OnNewer.KEEP));

        finish(world.lastJob());

        assertThat(status(OLD)).isEqualTo(RunStatus.PUBLISHED);
        world.publish(NEW);
        assertThat(world.openRuns()).isEmpty();
    }

    @Test
    void backfillPlansAsManyAsItSays() {
        for (int i = 0; i < 5; i++) {
            world.publish(Given.checkpoint(Given.MODEL, "v" + i, Given.START.plusSeconds(i)));
        }

        world.apply(new Policy("chat-models", "chat-*", Policy.OnNewer.SUPERSEDE, List.of(PHONE), 1, 3));

        assertThat(world.openRuns())
                .extracting(run -> run.request().checkpoint().version())
                .containsExactlyInAnyOrder("v2", "v3", "v4");
    }

    @Test
    void backfillBeginsWhatWasSupersededAndNothingNewerSupersedesItAgain() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        world.publish(NEW);
        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);

        world.apply(backfill(2, 2));
        world.apply(Given.policy(Policy.OnNewer.SUPERSEDE, 3, PHONE));
        world.publish(Given.checkpoint(Given.MODEL, "v3", Given.START.plusSeconds(120)));

        assertThat(status(OLD)).isEqualTo(RunStatus.REQUESTED);
        assertThat(status(NEW)).isEqualTo(RunStatus.REQUESTED);
        world.publish(Given.checkpoint(Given.MODEL, "v4", Given.START.plusSeconds(180)));
        assertThat(world.openRuns())
                .extracting(run -> run.request().checkpoint().version())
                .containsExactlyInAnyOrder("v1", "v2", "v4");
    }

    /** Its first result may be the reason why a person asked for another. */
    @Test
    void aRecomputationThatIsSupersededAndBackfilledIsStillOne() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(OLD);
        Job first = world.lastJob();
        finish(first);
        world.ask(OperatorRequest.Kind.RECOMPUTE, id(OLD));
        Job again = world.lastJob();
        world.publish(NEW);
        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);

        world.apply(backfill(2, 2));

        assertThat(status(OLD)).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.lastJob().run()).isEqualTo(id(OLD));
        assertThat(world.lastJob().key()).isEqualTo(again.key()).isNotEqualTo(first.key());
    }

    @Test
    void aPolicyWithoutABackfillLeavesSuperseded() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE));
        world.publish(NEW);
        world.publish(OLD);

        world.apply(Given.policy(Policy.OnNewer.SUPERSEDE, 2, PHONE));

        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);
    }

    /** The conductor's offsets were lost, and policies are read from the start. */
    @Test
    void aBackfillThatIsReadOnceMoreBeginsNothing() {
        Policy backfill = backfill(1, 2);
        Instant appliedAt = world.now();
        world.apply(backfill);
        world.apply(Given.policy(Policy.OnNewer.SUPERSEDE, 2, PHONE));
        world.pass(Duration.ofDays(1));
        world.publish(OLD);
        world.publish(NEW);

        world.apply(backfill, appliedAt);

        assertThat(status(OLD)).isEqualTo(RunStatus.SUPERSEDED);
    }

    private static Policy backfill(long revision, int checkpoints) {
        return new Policy("chat-models", "chat-*", Policy.OnNewer.SUPERSEDE, List.of(PHONE), revision, checkpoints);
    }
}
