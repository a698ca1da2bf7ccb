package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which requests of operators are carried out, whatever the clocks say, and whom a cancellation tells. */
class OperatorRequestsTest extends RunFixture {
    @Test
    void cancelTellsTheWorkersWhenNobodyElseWaits() {
        world.apply(Given.policy(
                Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")))));
        world.publish(Given.checkpoint("v1"));
        List<RunId> runs = world.openRuns().stream().map(RunState::id).toList();

        world.ask(OperatorRequest.Kind.CANCEL, runs.get(0));
        assertThat(world.published(JobCancelled.class)).isEmpty();
        world.ask(OperatorRequest.Kind.CANCEL, runs.get(1), "");

        assertThat(world.published(JobCancelled.class))
                .extracting(JobCancelled::job)
                .containsExactly(world.lastJob().key());
        assertThat(world.run(runs.get(0)).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(world.run(runs.get(1)).status()).isEqualTo(RunStatus.CANCELLED);
        assertThat(world.run(runs.get(0)).message()).isEqualTo("cancelled by ana: because");
        assertThat(world.run(runs.get(1)).message()).isEqualTo("cancelled by ana");
    }

    @Test
    void aCancelledJobThatIsAskedForAgainIsRestoredBeforeItIsIssued() {
        RunId run = start(PHONE);
        Job job = world.lastJob();
        world.ask(OperatorRequest.Kind.CANCEL, run);

        world.apply(Given.policy(
                Policy.OnNewer.KEEP, 2, Given.target("other", PHONE.ladder().getFirst())));

        List<Output> outputs = world.outputs();
        int restored = outputs.indexOf(new Output.RestoreJob(job.model(), job.key()));
        assertThat(restored).isPositive();
        assertThat(outputs.get(restored + 1))
                .isEqualTo(new Output.RestoreOnDevice(new TicketId(job.model(), job.key(), job.device())));
        assertThat(outputs.get(restored + 2))
                .extracting(output -> ((Job) ((Output.Publish) output).event()).key())
                .isEqualTo(job.key());
    }

    /** The group's offsets were lost, and its records are read from the start. */
    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aRequestThatIsReadOnceMoreIsNotCarriedOutAgain(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        OperatorRequest request = new OperatorRequest(Given.MODEL, run, kind, "ana", "again", world.now());
        world.ask(request);
        world.pass(Duration.ofMinutes(5).plusMillis(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        int jobs = world.jobs().size();

        world.ask(request);

        assertThat(world.jobs()).hasSize(jobs);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.FAILED);
        world.ask(kind, run);
        assertThat(world.jobs()).hasSize(jobs + 1);
    }

    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aCancellationThatIsReadOnceMoreDoesNotEndARunThatWentOnAfterIt(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        if (kind == OperatorRequest.Kind.RETRY) {
            world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        }
        OperatorRequest cancel = request(run, OperatorRequest.Kind.CANCEL, world.now());
        world.ask(cancel);
        world.pass(Duration.ofMinutes(5).plusMillis(1));
        world.ask(kind, run);
        assertThat(world.openRuns()).hasSize(1);

        world.ask(cancel);

        assertThat(world.openRuns()).hasSize(1);
        world.ask(OperatorRequest.Kind.CANCEL, run);
        assertThat(world.openRuns()).isEmpty();
    }

    /** Both were asked while no conductor ran. */
    @Test
    void aCancellationAfterARetryEndsTheRunHoweverLateTheyAreRead() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        OperatorRequest retry = request(run, OperatorRequest.Kind.RETRY, world.now());
        OperatorRequest cancel =
                request(run, OperatorRequest.Kind.CANCEL, world.now().plusSeconds(60));
        world.pass(Duration.ofHours(1));

        world.ask(retry);
        world.ask(cancel);

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aRetryFromAClockFarAheadKeepsNoOneFromCancelling() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        Instant ahead = world.now().plus(Duration.ofHours(1));
        world.ask(request(run, OperatorRequest.Kind.RETRY, ahead));

        Instant asked = world.now().plusSeconds(60);
        world.wait(Duration.ofHours(2));
        world.ask(request(run, OperatorRequest.Kind.CANCEL, asked));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    /** An older command gives its own time. */
    @Test
    void aRequestFromAClockFarBehindIsAsOldAsItsRecord() {
        RunId run = start(PHONE);
        Instant behind = world.now();
        world.pass(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));

        world.askAt(world.now(), request(run, OperatorRequest.Kind.RETRY, behind));

        assertThat(world.jobs()).hasSize(2);
    }

    @Test
    void aRequestFromAClockThatIsALittleBehindIsCarriedOut() {
        RunId run = start(PHONE);
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));

        world.ask(request(run, OperatorRequest.Kind.RETRY, world.now().minus(Duration.ofMinutes(5))));

        assertThat(world.jobs()).hasSize(2);
    }

    /** The clock that wrote down the end was an hour ahead; whoever asks has an older command, which gives its own time. */
    @ParameterizedTest
    @EnumSource(names = {"RETRY", "RECOMPUTE"})
    void aRequestAfterTheClockWasSetRightIsCarriedOutHoweverFarItWasAhead(OperatorRequest.Kind kind) {
        RunId run = start(PHONE);
        Instant right = world.now();
        world.wait(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        world.restartAfter(Duration.between(world.now(), right));
        int jobs = world.jobs().size();

        world.ask(kind, run);

        assertThat(world.jobs()).hasSize(jobs + 1);
        world.ask(OperatorRequest.Kind.CANCEL, run);
        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    /** The conductor's clock is an hour ahead of the one that gives the record its time, and stays so. */
    @Test
    void aRequestOfWhoeverSawTheEndIsNewerThanItWhateverTheTimeOfItsRecord() {
        RunId run = start(PHONE);
        world.pass(Duration.ofHours(1));
        world.hear(Answers.failed(world.lastJob(), world.now(), Reason.NOT_FINITE));
        Instant seen = world.run(run).at();

        world.askAt(seen.minus(Duration.ofHours(1)), request(run, OperatorRequest.Kind.RETRY, seen));
        assertThat(world.jobs()).hasSize(2);
        world.askAt(seen.minus(Duration.ofHours(1)), request(run, OperatorRequest.Kind.CANCEL, seen));

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    @Test
    void aCancellationIsCarriedOutThoughTheBrokersClockWasAheadWhenTheRunBegan() {
        world.publish(Given.checkpoint("v1"), world.now().plus(Duration.ofHours(1)));
        world.apply(Given.policy(PHONE));
        RunId run = world.lastJob().run();

        world.ask(OperatorRequest.Kind.CANCEL, run);

        assertThat(world.run(run).status()).isEqualTo(RunStatus.CANCELLED);
    }

    private static OperatorRequest request(RunId run, OperatorRequest.Kind kind, Instant at) {
        return new OperatorRequest(Given.MODEL, run, kind, "ana", "", at);
    }
}
