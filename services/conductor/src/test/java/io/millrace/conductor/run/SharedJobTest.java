package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two targets want the same bytes, each from its own device's workers. */
class SharedJobTest {
    private static final Target CLOUD = Given.target("cloud", Given.recipe(Given.H100, Given.gguf("Q4_K_M")));
    private static final Target PHONE = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));

    private final World world = new World();
    private final RunId cloud = RunId.of(Given.checkpoint("v1"), "chat-models", CLOUD);
    private final RunId phone = RunId.of(Given.checkpoint("v1"), "chat-models", PHONE);

    @BeforeEach
    void bothAsk() {
        world.apply(Given.policy(CLOUD, PHONE));
        world.publish(Given.checkpoint("v1"));
    }

    @Test
    void itWaitsInTheQueueOfEachDevice() {
        assertThat(world.jobs()).extracting(Job::device).containsExactly(Given.H100, Given.CPU);
        assertThat(world.jobs())
                .extracting(Job::key)
                .containsOnly(world.lastJob().key());
    }

    @Test
    void aRunNamesTheDeviceThatItWaitsFor() {
        world.pass(Limits.DEFAULT.unattended().minusMinutes(1));
        world.hear(Answers.started(job(Given.CPU), world.now()));
        world.pass(Duration.ofMinutes(1));

        assertThat(world.run(cloud).message()).isEqualTo("waiting: no worker for h100");
        assertThat(world.run(phone).message()).isEqualTo("started");
    }

    @Test
    void aRunThatJoinsAJobAtWorkShowsItSo() {
        world.hear(Answers.started(job(Given.CPU), world.now()));

        Target tablet = Given.target("tablet", PHONE.ladder().getFirst());
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, CLOUD, PHONE, tablet));

        RunChanged last = world.run(RunId.of(Given.checkpoint("v1"), "chat-models", tablet));
        assertThat(last.status()).isEqualTo(RunStatus.WORKING);
        assertThat(last.message()).isEqualTo("started");
        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void aRunThatJoinsAJobShowsWhatItWaitsFor() {
        world.hear(Answers.failed(job(Given.CPU), world.now(), Reason.DISK_FULL));
        Target tablet = Given.target("tablet", PHONE.ladder().getFirst());
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, CLOUD, PHONE, tablet));
        RunId joined = RunId.of(Given.checkpoint("v1"), "chat-models", tablet);
        assertThat(world.run(joined).status()).isEqualTo(RunStatus.BACKING_OFF);

        world.pass(Duration.ofSeconds(1));
        world.pass(Limits.DEFAULT.unattended());
        Target server = Given.target("server", CLOUD.ladder().getFirst());
        world.apply(Given.policy(Policy.OnNewer.KEEP, 3, CLOUD, PHONE, server));
        RunId other = RunId.of(Given.checkpoint("v1"), "chat-models", server);
        assertThat(world.run(other).message()).isEqualTo("waiting: no worker for h100");
    }

    @Test
    void whatOneDeviceCannotDoTheOtherMay() {
        for (int attempt = 1; attempt <= 3; attempt++) {
            world.hear(Answers.failed(job(Given.CPU), world.now(), Reason.OUT_OF_MEMORY));
            world.pass(Duration.ofMinutes(1));
        }

        assertThat(world.run(phone).status()).isEqualTo(RunStatus.FAILED);
        assertThat(world.run(cloud).status()).isEqualTo(RunStatus.REQUESTED);
        assertThat(world.published(JobCancelled.class)).isEmpty();
    }

    @Test
    void aResultEndsItForBothAndSaysWhoMadeIt() {
        world.hear(Answers.succeeded(job(Given.CPU), world.now(), 0.01));

        for (RunId run : new RunId[] {cloud, phone}) {
            RunChanged after = world.run(run);
            assertThat(after.finished()).extracting(StepDone::device).containsExactly(Given.CPU);
            assertThat(after.step()).isEqualTo(1);
        }
        assertThat(world.jobs())
                .filteredOn(job -> job.parameters().name().equals("gguf"))
                .hasSize(2);
    }

    @Test
    void itIsCancelledOnADeviceOnceNobodyWaitsForItThere() {
        world.ask(OperatorRequest.Kind.CANCEL, cloud);
        assertThat(cancelledOn()).containsExactly(Given.H100);
        assertThat(world.published(JobCancelled.class)).isEmpty();

        world.ask(OperatorRequest.Kind.CANCEL, phone);

        assertThat(cancelledOn()).containsExactly(Given.H100, Given.CPU);
        assertThat(world.published(JobCancelled.class)).as("to all").hasSize(1);
    }

    @Test
    void aDeviceWhereAnotherRunWaitsForItGoesOn() {
        Target tablet = Given.target("tablet", PHONE.ladder().getFirst());
        world.apply(Given.policy(Policy.OnNewer.KEEP, 2, CLOUD, PHONE, tablet));

        world.ask(OperatorRequest.Kind.CANCEL, phone);

        assertThat(cancelledOn()).isEmpty();
    }

    @Test
    void whoAsksAgainTakesBackWhatWasCancelledOnItsDeviceAlone() {
        world.ask(OperatorRequest.Kind.CANCEL, cloud);
        int seen = world.outputs().size();

        world.apply(Given.policy(
                Policy.OnNewer.KEEP,
                2,
                PHONE,
                Given.target("server", CLOUD.ladder().getFirst())));

        assertThat(world.outputsAfter(seen))
                .filteredOn(
                        output -> output instanceof Output.RestoreOnDevice || output instanceof Output.Publish(Job _))
                .containsExactly(
                        new Output.RestoreOnDevice(
                                new TicketId(Given.MODEL, world.lastJob().key(), Given.H100)),
                        new Output.Publish(world.lastJob()));
        assertThat(world.outputs()).noneMatch(Output.RestoreJob.class::isInstance);
    }

    /** The other one's record may still lie in its queue. */
    @Test
    void whatIsTakenBackForOneDeviceStaysCancelledOnTheOther() {
        world.ask(OperatorRequest.Kind.CANCEL, cloud);
        world.ask(OperatorRequest.Kind.CANCEL, phone);

        world.apply(Given.policy(
                Policy.OnNewer.KEEP, 2, Given.target("laptop", PHONE.ladder().getFirst())));

        assertThat(world.outputs())
                .contains(new Output.RestoreOnDevice(
                        new TicketId(Given.MODEL, world.lastJob().key(), Given.CPU)))
                .doesNotContain(new Output.RestoreOnDevice(
                        new TicketId(Given.MODEL, world.lastJob().key(), Given.H100)));
    }

    @Test
    void whoAsksOnOneDeviceTakesBackWhatWasCancelledOnBoth() {
        world.ask(OperatorRequest.Kind.CANCEL, cloud);
        world.ask(OperatorRequest.Kind.CANCEL, phone);
        Job job = world.lastJob();

        world.apply(Given.policy(
                Policy.OnNewer.KEEP, 2, Given.target("laptop", PHONE.ladder().getFirst())));

        assertThat(world.outputs()).contains(new Output.RestoreJob(job.model(), job.key()));
        assertThat(world.lastJob().device()).isEqualTo(Given.CPU);
    }

    @Test
    void onlyTheQueueThatLostItGetsItAgain() {
        world.pass(Duration.ofMinutes(1));
        LostQueues lost = new LostQueues();
        lost.lost(Queue.of(job(Given.H100)), world.now());

        world.lose(lost);

        assertThat(world.jobs()).extracting(Job::device).containsExactly(Given.H100, Given.CPU, Given.H100);
    }

    private List<Device> cancelledOn() {
        return world.outputs().stream()
                .flatMap(output ->
                        output instanceof Output.CancelOnDevice(var _, var device) ? Stream.of(device) : Stream.empty())
                .toList();
    }

    private Job job(Device device) {
        return world.jobs().stream()
                .filter(job -> job.device().equals(device))
                .toList()
                .getLast();
    }
}
