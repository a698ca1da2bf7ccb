package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Job;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NewestWinsTest {
    private static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    private static final Target OTHER_PHONE = Given.target("phone", Given.recipe(Given.gguf("Q6_K")));
    private static final CheckpointPublished OLD = Given.checkpoint("v1");
    private static final CheckpointPublished NEW = Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(60));

    private final World world = new World();

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
        assertThat(refused(world)).hasSize(1);

        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(other);
        world.publish(other);

        assertThat(world.published(RunFailed.class)).hasSize(1);
        assertThat(refused(world)).hasSize(1);
    }

    private static List<Output> refused(World world) {
        return world.outputs().stream()
                .filter(Output.RefuseRecord.class::isInstance)
                .toList();
    }

    @Test
    void aTimeFarAheadOfItsRecordIsRefused() {
        world.apply(policy(Policy.OnNewer.KEEP));

        world.publish(NEW, NEW.publishedAt().minus(Duration.ofMinutes(5)).minusMillis(1));

        assertThat(world.outputs()).singleElement().isInstanceOf(Output.RefuseRecord.class);
        world.publish(NEW, NEW.publishedAt().minus(Duration.ofMinutes(5)));
        assertThat(world.jobs()).hasSize(1);
    }

    @Test
    void latestOnlyMovesForward() {
        world.apply(policy(Policy.OnNewer.KEEP));
        world.publish(OLD);
        Job old = world.lastJob();
        world.publish(NEW);

        finish(world.lastJob());
        finish(old);

        assertThat(world.published(ModelPublished.class)).hasSize(2);
        assertThat(world.outputs())
                .filteredOn(Output.PublishLatest.class::isInstance)
                .singleElement()
                .extracting(output -> ((Output.PublishLatest) output).event().version())
                .isEqualTo("v2");
    }

    @Test
    void whatAPolicyMakesOfTheSameCheckpointIsTheLatestAlsoWhereItsRevisionsBeganAnewAfterItWasDeleted() {
        Policy before = Given.policy(Policy.OnNewer.KEEP, 7, PHONE);
        world.apply(before);
        world.publish(OLD);
        finish(world.lastJob());
        world.publish(NEW);
        finish(world.lastJob());
        world.delete(before);
        int seen = world.outputs().size();

        Target other = Given.target("phone", Given.recipe(Given.gguf("Q6_K")));
        world.apply(new Policy("chat-models", "chat-*", Policy.OnNewer.KEEP, List.of(other), 1, 2));
        List<Job> jobs = world.jobs();
        finish(jobs.getLast());
        finish(jobs.get(jobs.size() - 2));

        assertThat(world.outputsAfter(seen))
                .filteredOn(Output.PublishLatest.class::isInstance)
                .as("of the newest checkpoint alone")
                .singleElement()
                .extracting(output -> ((Output.PublishLatest) output).event().version())
                .isEqualTo("v2");
    }

    @Test
    void whatAPolicyThatIsTakenBackMadeBeforeIsTheLatestAgain() {
        world.publish(OLD);
        world.apply(policy(Policy.OnNewer.KEEP));
        finish(world.lastJob());
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, OTHER_PHONE));
        finish(world.lastJob());
        int jobs = world.jobs().size();

        world.apply(Given.policy(Policy.OnNewer.KEEP, 3, PHONE));

        assertThat(world.jobs()).hasSize(jobs);
        assertThat(latest()).containsExactly("Q4_K_M", "Q6_K", "Q4_K_M");

        world.ask(OperatorRequest.Kind.RECOMPUTE, id(OLD));
        finish(world.lastJob());

        assertThat(latest()).containsExactly("Q4_K_M", "Q6_K", "Q4_K_M", "Q4_K_M");
    }

    @Test
    void aRunThatIsOpenWhenItsPolicyIsTakenBackMakesTheLatest() {
        world.publish(OLD);
        world.apply(policy(Policy.OnNewer.KEEP));
        Job first = world.lastJob();
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, OTHER_PHONE));
        Job second = world.lastJob();
        world.apply(Given.policy(Policy.OnNewer.KEEP, 3, PHONE));

        finish(first);
        finish(second);

        assertThat(latest()).containsExactly("Q4_K_M");
    }

    @Test
    void aModelThatStandsAsTheLatestIsNotPublishedThereOnceMore() {
        world.publish(OLD);
        world.apply(policy(Policy.OnNewer.KEEP));
        finish(world.lastJob());
        world.delete(policy(Policy.OnNewer.KEEP));

        world.apply(policy(Policy.OnNewer.KEEP));

        assertThat(latest()).containsExactly("Q4_K_M");
    }

    @Test
    void aRunThatEndsAfterItsPolicyWasDeletedDoesNotHideWhatThePolicyMakesOnceItIsAppliedAnew() {
        Policy before = Given.policy(Policy.OnNewer.KEEP, 7, PHONE);
        world.apply(before);
        world.publish(OLD);
        Job first = world.lastJob();
        world.delete(before);

        finish(first);
        world.apply(Given.policy(Policy.OnNewer.KEEP, 1, OTHER_PHONE));
        finish(world.lastJob());

        assertThat(latest()).containsExactly("Q4_K_M", "Q6_K");
    }

    @Test
    void aRunThatEndsAfterItsPolicyWasDeletedAndAppliedAnewDoesNotTakeThePlaceOfWhatThatMade() {
        for (long revisions : new long[] {1, 7, 8}) {
            World anew = new World();
            Policy before = Given.policy(Policy.OnNewer.KEEP, 7, PHONE);
            anew.apply(before);
            anew.publish(OLD);
            Job first = anew.lastJob();
            anew.delete(before);
            for (long revision = 1; revision <= revisions; revision++) {
                anew.apply(Given.policy(Policy.OnNewer.KEEP, revision, OTHER_PHONE));
            }

            finish(anew, anew.lastJob());
            finish(anew, first);

            assertThat(latest(anew)).as("%s revisions", revisions).containsExactly("Q6_K");
        }
    }

    @Test
    void theDeletionOfAPolicyChangesNothingOfWhatAnotherMakes() {
        Policy other = new Policy("others", "vision-*", Policy.OnNewer.KEEP, List.of(PHONE), 1, 1);
        world.publish(OLD);
        List<Job> jobs = new ArrayList<>();
        for (String type : List.of("Q4_K_M", "Q6_K", "Q8_0")) {
            Target phone = Given.target("phone", Given.recipe(Given.gguf(type)));
            world.apply(Given.policy(Policy.OnNewer.KEEP, jobs.size() + 1L, phone));
            jobs.add(world.lastJob());
        }
        finish(jobs.get(1));

        world.apply(other);
        world.delete(other);

        finish(jobs.get(0));
        finish(jobs.get(2));
        assertThat(latest()).containsExactly("Q6_K", "Q8_0");
    }

    /** Both who applied it found none, so both are the first; the later record is in force. */
    @Test
    void ofTwoPoliciesThatWereAppliedAtOnceTheOneThatIsInForceMakesTheLatest() {
        world.publish(OLD);
        world.apply(Given.policy(Policy.OnNewer.KEEP, 1, PHONE));
        Job first = world.lastJob();
        world.apply(Given.policy(Policy.OnNewer.KEEP, 1, OTHER_PHONE));
        Job second = world.lastJob();

        finish(second);
        finish(first);

        assertThat(latest()).containsExactly("Q6_K");
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

    /** A failed run of before the deletion is opened again by hand. */
    @Test
    void aRetryOfARunWhosePolicyWasDeletedDoesNotTakeThePlaceOfWhatTheNewOneMade() {
        Policy before = Given.policy(Policy.OnNewer.KEEP, 7, PHONE);
        world.apply(before);
        world.publish(OLD);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        world.delete(before);
        world.apply(Given.policy(Policy.OnNewer.KEEP, 1, OTHER_PHONE));
        finish(world.lastJob());

        world.ask(OperatorRequest.Kind.RETRY, id(OLD));
        finish(world.lastJob());

        assertThat(status(OLD)).isEqualTo(RunStatus.PUBLISHED);
        assertThat(latest()).containsExactly("Q6_K");
    }

    /** Types of the models that were ever the latest, in order. */
    private List<String> latest() {
        return latest(world);
    }

    private static List<String> latest(World world) {
        return world.outputs().stream()
                .filter(Output.PublishLatest.class::isInstance)
                .map(output -> ((Output.PublishLatest) output).event().type())
                .toList();
    }

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

    private void finish(Job first) {
        finish(world, first);
    }

    private static void finish(World world, Job first) {
        Job job = first;
        while (true) {
            int before = world.jobs().size();
            world.hear(Answers.succeeded(job, world.now(), 0.01));
            if (world.jobs().size() == before) {
                return;
            }
            job = world.lastJob();
        }
    }

    private RunStatus status(CheckpointPublished checkpoint) {
        return world.run(id(checkpoint)).status();
    }

    private static RunId id(CheckpointPublished checkpoint) {
        return RunId.of(checkpoint, "chat-models", PHONE);
    }

    private static Policy policy(Policy.OnNewer onNewer) {
        return Given.policy(onNewer, 1, PHONE);
    }
}
