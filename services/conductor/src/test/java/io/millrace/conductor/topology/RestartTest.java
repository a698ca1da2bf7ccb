package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.conductor.run.Limits;
import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.run.Queue;
import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import io.millrace.events.Target;
import io.millrace.events.wire.EventRecords;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Promise 3: a conductor that was down for a day re-issues nothing that was done or is being done. */
class RestartTest {
    @TempDir
    Path folder;

    @Test
    @Tag("promise-3")
    @DisplayName("Promise 3: a conductor that was down for a day issues nothing that is done or under way")
    void aRestartIssuesNothingThatIsDoneOrUnderWay() {
        Job quality;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target(
                    "phone",
                    Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")),
                    Given.recipe(Given.neurons(), Given.gguf("Q6_K")))));
            task.send(Given.checkpoint("v1"));
            succeed(task, task.jobs().getFirst());
            succeed(task, task.jobs().getFirst());
            quality = task.jobs().getFirst();
            task.send(Answers.started(quality, task.now()));
        }

        try (OneTask task = new OneTask(folder, Given.START.plus(Duration.ofDays(1)))) {
            task.pass(Duration.ofSeconds(119));
            task.send(Given.checkpoint("v1"));
            assertThat(task.jobs()).isEmpty();

            task.send(Answers.succeeded(quality, task.now(), 0.2));

            assertThat(task.jobs()).extracting(Job::parameters).containsExactly(Given.gguf("Q6_K"));
        }
    }

    @Test
    void thePublishedModelsNumbersAreShownAgain() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            for (String version : List.of("v1", "v2")) {
                task.send(Given.checkpoint(Given.MODEL, version, task.now()));
                task.pass(Duration.ofSeconds(1));
                for (List<Job> jobs = task.jobs(); !jobs.isEmpty(); jobs = task.jobs()) {
                    task.send(Answers.succeeded(jobs.getFirst(), task.now(), version.equals("v1") ? 0.02 : 0.01));
                }
            }
            assertThat(task.gauge("millrace.model.perplexity.increase")).isEqualTo(0.01);
        }

        try (OneTask task = new OneTask(folder, Given.START.plus(Duration.ofDays(1)))) {
            assertThat(task.gauge("millrace.model.perplexity.increase")).isEqualTo(0.01);
        }
    }

    @Test
    void aPauseEndsAfterARestart() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            task.send(Answers.failed(task.jobs().getFirst(), task.now(), Reason.DISK_FULL));
            assertThat(task.jobs()).isEmpty();
        }

        try (OneTask task = new OneTask(folder, Given.START.plus(Duration.ofDays(1)))) {
            task.pass(Duration.ofMillis(100));

            assertThat(task.jobs()).extracting(Job::attempt).containsExactly(1);
        }
    }

    @Test
    void silenceIsNoticedAfterARestart() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            task.send(Answers.started(task.jobs().getFirst(), task.now()));
        }

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.pass(Duration.ofMinutes(2));
            task.pass(Duration.ofSeconds(1));

            List<Job> again = task.jobs();
            assertThat(again).extracting(Job::attempt).containsExactly(2);
        }
    }

    /** A version with another algorithm would give the job that is written down another key. */
    @ParameterizedTest
    @EnumSource(Waiting.class)
    void aJobThatHasAnotherKeyAfterAnUpgradeIsAskedForAnew(Waiting waiting) {
        Job asked;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            asked = task.jobs().getFirst();
            switch (waiting) {
                case IN_THE_QUEUE -> {}
                case PAUSED -> task.send(Answers.failed(asked, task.now(), Reason.DISK_FULL));
                case AT_WORK -> task.send(Answers.started(asked, task.now()));
            }
            task.overwrite(Stores.TICKETS, _ -> true, ticket -> ticket.replace("\"seed\":0", "\"seed\":1"));
        }

        try (OneTask task = new OneTask(folder, Given.START.plus(Duration.ofDays(1)))) {
            task.pass(Duration.ofSeconds(121));
            task.pass(Duration.ofSeconds(10));

            assertThat(task.jobs()).extracting(Job::key).containsExactly(asked.key());
            task.send(Answers.succeeded(asked, task.now(), 0.01));
            assertThat(task.jobs()).extracting(job -> job.parameters().name()).containsExactly("quality");
        }
    }

    @Test
    void whatAWorkerOfBeforeAnUpgradeSaysOfItsJobStillCounts() {
        Job asked;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            asked = task.jobs().getFirst();
            task.overwrite(Stores.TICKETS, _ -> true, ticket -> ticket.replace("\"seed\":0", "\"seed\":1"));
        }

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.send(Answers.started(asked, task.now()));
            assertThat(task.jobs()).isEmpty();
            task.send(Answers.succeeded(asked, task.now(), 0.01));

            assertThat(task.jobs()).extracting(job -> job.parameters().name()).containsExactly("quality");
        }
    }

    /** Where a job stands. */
    private enum Waiting {
        IN_THE_QUEUE,
        PAUSED,
        AT_WORK
    }

    /** A version with one ticket per key let a run join the ticket of whatever device asked first. */
    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "PAUSED")
    void aRunThatJoinedAnotherDevicesJobAsksForItsOwn(Waiting waiting) {
        Job cpu;
        String cloud;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("cloud", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            cpu = task.jobs().getFirst();
            if (waiting == Waiting.AT_WORK) {
                task.send(Answers.started(cpu, task.now()));
            }
            cloud = task.runs().values().stream()
                    .filter(run -> run.target().equals("cloud"))
                    .map(run -> run.run().toString())
                    .findFirst()
                    .orElseThrow();
            task.overwrite(
                    Stores.OPEN_RUNS,
                    key -> key.endsWith(cloud),
                    run -> run.replace("\"device\":\"cpu\"", "\"device\":\"h100\""));
            assertThat(task.tickets()).hasSize(1);
        }

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.pass(Duration.ofMillis(100));

            Job own = task.jobs().getFirst();
            assertThat(own.device()).isEqualTo(Given.H100);
            assertThat(own.key()).isEqualTo(cpu.key());
            assertThat(task.tickets()).hasSize(2).contains(Stores.TICKETS + "|" + Given.MODEL + "|" + cpu.key());
            task.pass(Duration.ofSeconds(5));
            task.pass(Duration.ofSeconds(5));
            assertThat(task.jobs()).as("the other one is not given up").isEmpty();
            cancel(task, cpu.run());
            cancel(task, own.run());
            task.pass(Limits.DEFAULT.queue().plusDays(1));
            assertThat(task.jobs()).as("nobody waits for either").isEmpty();
        }
    }

    @Test
    void anAbandonedJobIsForgottenHoweverOftenTheConductorStarts() {
        Job abandoned;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            abandoned = task.jobs().getFirst();
            task.send(new OperatorRequest(
                    Given.MODEL, abandoned.run(), OperatorRequest.Kind.CANCEL, "ana", "", task.now()));
            assertThat(task.tickets()).hasSize(1);
        }
        Instant end = Given.START.plus(Limits.DEFAULT.abandonedKept());
        for (Instant start = Given.START.plus(Duration.ofDays(7));
                start.isBefore(end);
                start = start.plus(Duration.ofDays(7))) {
            try (OneTask task = new OneTask(folder, start)) {
                task.pass(Duration.ofSeconds(1));
                assertThat(task.tickets()).hasSize(1);
            }
        }

        try (OneTask task = new OneTask(folder, end)) {
            task.pass(Duration.ofSeconds(1));

            assertThat(task.tickets()).isEmpty();
            assertThat(task.tombstones("millrace.cancellations"))
                    .as("a worker that has run all the time does the job when it is asked for again")
                    .containsExactlyInAnyOrder(
                            EventRecords.cancellationKey(Given.MODEL, abandoned.key()),
                            EventRecords.cancellationKey(Given.MODEL, abandoned.key(), abandoned.device()));
        }
    }

    /** The watch only sees that a queue is unused as long as nothing new is in it. */
    @Test
    void whatAQueueLostIsKnownBeforeAnythingNewGoesThere() {
        Job first;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint(Given.MODEL, "v1", task.now()));
            first = task.jobs().getFirst();
        }
        Instant later = Given.START.plus(Duration.ofDays(1));
        LostQueues lost = new LostQueues();
        Queues unused = new Queues() {
            private boolean used;

            @Override
            public void ensure(StageName stage, Device device) {
                used = true;
            }

            @Override
            public void begun() {
                Queue queue = Queue.of(first);
                if (lost.isStanding(queue) && !used) {
                    lost.lost(queue, later.minusMillis(1));
                }
            }
        };

        try (OneTask task = new OneTask(folder, later, lost, unused)) {
            task.send(Given.checkpoint(Given.MODEL, "v2", task.now()));
            task.pass(Duration.ofMillis(100));

            assertThat(task.jobs()).hasSize(2).extracting(Job::key).contains(first.key());
        }
    }

    /** Streams may have restored a part of its state, or none: events would find no run, and checkpoints no policy. */
    @Test
    void aTaskThatStreamsRevivesInPlaceDecidesNothing() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));

            assertThatThrownBy(task::revive).isInstanceOf(TaskBegunAgainException.class);
        }
    }

    @Test
    void aRunIsForgottenNinetyDaysAfterItsEnd() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint("v1"));
            task.send(Answers.failed(task.jobs().getFirst(), task.now(), Reason.NOT_FINITE));

            task.pass(Duration.ofDays(90));
            assertThat(task.tombstones("millrace.runs")).isEmpty();
            task.pass(Duration.ofMillis(1));

            assertThat(task.tombstones("millrace.runs")).hasSize(1);
        }
    }

    /** Else every worker would leave the job alone for ever. */
    @Test
    void aCancellationIsTakenBackWhenAnotherRunAsksForItsJob() {
        Target phone = Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")));
        Target laptop = Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")));
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(phone));
            task.send(Given.checkpoint("v1"));
            Job job = task.jobs().getFirst();
            cancel(task, job.run());
            assertThat(task.tombstones("millrace.cancellations")).isEmpty();

            task.send(Given.policy(Policy.OnNewer.KEEP, 2, phone, laptop));

            assertThat(task.tombstones("millrace.cancellations"))
                    .containsExactlyInAnyOrder(
                            EventRecords.cancellationKey(Given.MODEL, job.key()),
                            EventRecords.cancellationKey(Given.MODEL, job.key(), job.device()));
        }
    }

    private static void cancel(OneTask task, RunId run) {
        task.send(new OperatorRequest(Given.MODEL, run, OperatorRequest.Kind.CANCEL, "ana", "", task.now()));
    }

    private static void succeed(OneTask task, Job job) {
        task.send(Answers.started(job, task.now()));
        task.send(Answers.succeeded(job, task.now(), 0.01));
    }
}
