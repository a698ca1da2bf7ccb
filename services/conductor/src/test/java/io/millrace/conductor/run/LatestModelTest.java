package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.ModelPublished;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which model stands as a target's latest when runs end out of order, and when policies change meanwhile. */
class LatestModelTest extends NewestWinsFixture {
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

        world.apply(new Policy("chat-models", "chat-*", Policy.OnNewer.KEEP, List.of(OTHER_PHONE), 1, 2));
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
}
