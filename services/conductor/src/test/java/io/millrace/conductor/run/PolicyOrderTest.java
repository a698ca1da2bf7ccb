package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Role;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Policies take one topic more than checkpoints: their changes may be read after checkpoints that came later. */
class PolicyOrderTest {
    private static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
    private static final Target LAPTOP = Given.target("laptop", Given.recipe(Given.gguf("Q8_0")));
    private static final CheckpointPublished V1 = checkpoint(1);
    private static final CheckpointPublished V2 = checkpoint(2);
    private static final CheckpointPublished V3 = checkpoint(3);
    private static final Instant CHANGED = Given.START.plusSeconds(90);
    private static final Instant DELETED = Given.START.plusSeconds(110);

    private final World world = new World();

    /** What happened while no conductor ran, between the first checkpoint and the two after it. */
    private enum Meanwhile {
        DELETED_ONCE((world, before) -> world.delete(before, DELETED)),
        OTHER_TARGET((world, before) -> world.apply(policy(before.onNewer(), 2, 1, LAPTOP), CHANGED)),
        ONE_TARGET_MORE((world, before) -> world.apply(policy(before.onNewer(), 2, 1, PHONE, LAPTOP), CHANGED)),
        BACKFILL((world, before) -> world.apply(policy(before.onNewer(), 2, 5, LAPTOP), CHANGED)),
        CHANGED_AND_DELETED((world, before) -> {
            world.apply(policy(before.onNewer(), 2, 1, PHONE, LAPTOP), CHANGED);
            world.delete(before, DELETED);
        }),
        DELETED_AND_APPLIED_AFTERWARDS((world, before) -> {
            world.delete(before, DELETED);
            world.apply(policy(before.onNewer(), 1, 1, PHONE), Given.START.plusSeconds(200));
        });

        private final BiConsumer<World, Policy> told;

        Meanwhile(BiConsumer<World, Policy> told) {
            this.told = told;
        }
    }

    @ParameterizedTest
    @EnumSource
    void lateNewsOfAPolicyLeavesWhatItWouldHaveLeftInTime(Meanwhile meanwhile) {
        for (Policy.OnNewer onNewer : Policy.OnNewer.values()) {
            Policy before = policy(onNewer, 1, 1, PHONE);
            World inOrder = begun(before);
            World late = begun(before);
            boolean last = meanwhile == Meanwhile.DELETED_AND_APPLIED_AFTERWARDS;

            if (last) {
                inOrder.delete(before, DELETED);
            } else {
                meanwhile.told.accept(inOrder, before);
            }
            publishTheOthers(inOrder);
            if (last) {
                inOrder.apply(policy(onNewer, 1, 1, PHONE), Given.START.plusSeconds(200));
            }
            publishTheOthers(late);
            meanwhile.told.accept(late, before);

            assertThat(remembered(late)).as("%s, %s", meanwhile, onNewer).isEqualTo(remembered(inOrder));
        }
    }

    @Test
    void aNewPolicyMeetsEachCheckpointThatCameAfterIt() {
        world.publish(V1, V1.publishedAt());
        publishTheOthers(world);

        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), CHANGED);

        assertThat(remembered(world)).containsExactly("v1 phone Requested", "v2 phone Requested", "v3 phone Requested");
        assertThat(world.jobs())
                .extracting(job -> job.inputs().get(Role.MODEL))
                .as("in the order in which they came")
                .containsExactly(V1.artifact(), V2.artifact(), V3.artifact());
    }

    @Test
    void theJobOfARunThatShouldNotHaveBegunIsCancelledAndSaysWhy() {
        Policy before = policy(Policy.OnNewer.KEEP, 1, 1, PHONE);
        world.apply(before, Given.START);
        world.publish(V2, V2.publishedAt());
        Job job = world.lastJob();

        world.delete(before, DELETED);

        assertThat(world.published(JobCancelled.class)).singleElement().satisfies(cancelled -> {
            assertThat(cancelled.job()).isEqualTo(job.key());
            assertThat(cancelled.why())
                    .isEqualTo("cancelled by the conductor: policy 'chat-models' was deleted at " + DELETED
                            + ", before this checkpoint was published");
        });
        assertThat(world.outputs()).contains(new Output.ForgetRun(job.run()));
    }

    /** No conductor ran for hours: one that came after it superseded, when it was read, what the backfill asked for. */
    @Test
    void aBackfillThatIsReadLongAfterItsTimeBeginsWhatItWouldHaveKeptInTime() {
        world.apply(policy(Policy.OnNewer.SUPERSEDE, 1, 1, PHONE), Given.START);
        world.publish(V1, V1.publishedAt());
        world.wait(Duration.ofHours(3));
        world.publish(V2, V2.publishedAt());

        world.apply(policy(Policy.OnNewer.SUPERSEDE, 2, 2, PHONE), CHANGED);

        assertThat(remembered(world)).containsExactly("v1 phone Requested", "v2 phone Requested");
    }

    @Test
    void lateNewsOfAPolicyLeavesTheRunsOfOthersAndThoseThatHaveDoneTheirWork() {
        Policy before = policy(Policy.OnNewer.KEEP, 1, 1, PHONE);
        Policy other = new Policy("other", "chat-*", Policy.OnNewer.KEEP, List.of(LAPTOP), 1, 1);
        world.apply(before, Given.START);
        world.apply(other, Given.START);
        publishTheOthers(world);
        RunState done = world.openRuns().stream()
                .filter(run -> run.request().policy().equals(before.name()))
                .findFirst()
                .orElseThrow();
        world.ask(OperatorRequest.Kind.CANCEL, done.id());

        world.delete(before, DELETED);

        assertThat(remembered(world))
                .containsExactlyInAnyOrder(
                        done.request().checkpoint().version() + " phone Cancelled",
                        "v2 laptop Requested",
                        "v3 laptop Requested");
    }

    @Test
    void lateNewsThatAskForARunAgainLeaveItsJobAlone() {
        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), Given.START);
        publishTheOthers(world);

        world.apply(policy(Policy.OnNewer.KEEP, 2, 1, PHONE, LAPTOP), CHANGED);

        assertThat(world.published(JobCancelled.class)).isEmpty();
        assertThat(world.jobs())
                .extracting(job -> job.parameters().values().get("type"))
                .containsExactly("Q4_K_M", "Q4_K_M", "Q8_0", "Q8_0");
    }

    /** Publication says which is the newest, arrival what the policy meets. */
    @Test
    void anOlderCheckpointThatCameAfterAPolicyWasDeletedLeavesNoRun() {
        Policy before = policy(Policy.OnNewer.KEEP, 1, 1, PHONE);
        world.apply(before, Given.START);
        world.publish(V3, CHANGED);
        world.publish(V2, Given.START.plusSeconds(200));

        world.delete(before, DELETED);

        assertThat(remembered(world)).containsExactly("v3 phone Requested");
    }

    /** The conductor's offsets were lost, and policies are read from the start. */
    @Test
    void anOldRevisionThatIsReadOnceMoreChangesNothing() {
        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, LAPTOP), Given.START);
        world.pass(Duration.ofDays(1));
        world.apply(policy(Policy.OnNewer.KEEP, 2, 1, PHONE));
        world.pass(Duration.ofDays(1));
        world.publish(V1);
        SortedSet<String> before = remembered(world);

        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, LAPTOP), Given.START);
        world.delete(policy(Policy.OnNewer.KEEP, 1, 1, LAPTOP), Given.START.plusSeconds(1));

        assertThat(remembered(world)).isEqualTo(before).containsExactly("v1 phone Requested");
        world.publish(V2);
        assertThat(remembered(world)).containsExactly("v1 phone Requested", "v2 phone Requested");
    }

    /** A broker whose clock is a little behind became the leader of the policies. */
    @Test
    void aChangeWhoseTimeIsALittleOlderThanTheOneBeforeCounts() {
        world.publish(V1, V1.publishedAt());
        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), CHANGED);

        world.wait(Duration.ofMinutes(10));
        world.delete(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), CHANGED.minus(Duration.ofMinutes(5)));

        world.publish(V2, V2.publishedAt());
        assertThat(remembered(world)).as("what it began goes on").containsExactly("v1 phone Requested");
    }

    /** The broker that led the policies before had a clock that was an hour ahead. */
    @Test
    void aChangeWhoseTimeIsMuchOlderThanOneThatIsStillToComeCounts() {
        world.apply(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), CHANGED.plus(Duration.ofHours(1)));

        world.delete(policy(Policy.OnNewer.KEEP, 1, 1, PHONE), CHANGED);

        world.publish(V2, V2.publishedAt());
        assertThat(world.openRuns()).isEmpty();
    }

    private static World begun(Policy policy) {
        World world = new World();
        world.apply(policy, Given.START);
        world.publish(V1, V1.publishedAt());
        world.wait(Duration.ofMinutes(5));
        return world;
    }

    private static void publishTheOthers(World world) {
        world.publish(V2, V2.publishedAt());
        world.publish(V3, V3.publishedAt());
    }

    private static SortedSet<String> remembered(World world) {
        SortedSet<String> runs = new TreeSet<>();
        Stream.concat(world.openRuns().stream(), world.endedRuns().stream())
                .forEach(run -> runs.add(run.request().checkpoint().version() + " "
                        + run.request().target().name() + " " + run.getClass().getSimpleName()));
        return runs;
    }

    private static CheckpointPublished checkpoint(int minute) {
        return Given.checkpoint(Given.MODEL, "v" + minute, Given.START.plusSeconds(60L * minute));
    }

    private static Policy policy(Policy.OnNewer onNewer, long revision, int backfill, Target... targets) {
        return new Policy("chat-models", "chat-*", onNewer, List.of(targets), revision, backfill);
    }
}
