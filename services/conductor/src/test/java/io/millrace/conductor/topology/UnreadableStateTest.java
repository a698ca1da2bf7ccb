package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A conductor that finds an entry it cannot read in its store ends that run, and goes on with all others. */
class UnreadableStateTest {
    private static final ModelName OTHER = new ModelName("chat-other");
    private static final Duration TICK = Duration.ofMillis(100);

    @TempDir
    Path folder;

    @Test
    void runOfAKindThatOnlyANewerVersionKnowsFailsAndIsRetried() {
        Job step = begun("open-runs", state -> state.replaceFirst("\"@is\":\"Requested\"", "\"@is\":\"Postponed\""));

        endsVisiblyAndIsRetried(step);
    }

    @Test
    void garbageInPlaceOfARunFailsTheRunThatPolicyAndCheckpointGive() {
        Job step = begun("open-runs", _ -> "\u0000\u0001garbage");

        endsVisiblyAndIsRetried(step);
    }

    @Test
    void garbageInPlaceOfAJobFailsTheRunThatWaitsForIt() {
        Job step = begun("tickets", _ -> "{\"key\":");

        endsVisiblyAndIsRetried(step);
    }

    @Test
    void garbageInPlaceOfAJobForOneDeviceLeavesTheRunAloneThatWaitsOnAnother() {
        Job cpu;
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(
                    Given.target("phone", Given.recipe(Given.gguf("Q4_K_M"))),
                    Given.target("cloud", Given.recipe(Given.H100, Given.gguf("Q4_K_M"))),
                    Given.target("laptop", Given.recipe(Given.gguf("Q6_K")))));
            task.send(Given.checkpoint("v1"));
            cpu = task.jobs().getFirst();
            task.overwrite("tickets", entry -> entry.endsWith("|h100"), _ -> "{\"key\":");
        }

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.pass(TICK);

            assertThat(task.deadLetters()).hasSize(1);
            assertThat(task.runs().values())
                    .extracting(RunChanged::target, RunChanged::status)
                    .containsExactly(tuple("cloud", RunStatus.FAILED));
            task.send(Answers.succeeded(cpu, task.now(), 0.01));
            assertThat(task.jobs()).extracting(Job::run).containsExactly(cpu.run());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "checkpoints",
                "newest-checkpoints",
                "policies",
                "latest-models",
                "ended-runs",
                "arrivals",
                "changes"
            })
    void whateverElseIsDamagedTheRunsGoOn(String table) {
        Job step = begun(table, _ -> "[]");

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.pass(TICK);
            task.send(Answers.succeeded(step, task.now(), 0.01));

            assertThat(task.jobs()).extracting(Job::run).containsExactly(step.run());
        }
    }

    @Test
    void whatIsUnreadableIsMovedAwayOnce() {
        begun("ended-runs", _ -> "[]");

        for (int letters : new int[] {1, 0}) {
            try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
                task.pass(TICK);
                assertThat(task.deadLetters()).hasSize(letters);
            }
        }
    }

    @Test
    void whatIsWrittenAnewBeforeTheOldIsMovedAwayStays() {
        begun("newest-checkpoints", _ -> "[]");

        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.send(Given.checkpoint(Given.MODEL, "v2", Given.START.plusSeconds(2)));
            task.pass(TICK);
            task.runs();

            Target laptop = Given.target("laptop", Given.recipe(Given.gguf("Q6_K")));
            task.send(Given.policy(Policy.OnNewer.KEEP, 2, laptop));

            assertThat(task.runs().values())
                    .filteredOn(run -> run.target().equals("laptop"))
                    .filteredOn(run -> run.model().equals(Given.MODEL))
                    .extracting(RunChanged::version)
                    .containsExactly("v2");
        }
    }

    private void endsVisiblyAndIsRetried(Job step) {
        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(10))) {
            task.pass(TICK);

            RunChanged damaged = task.runs().get(step.run());
            assertThat(damaged.status()).isEqualTo(RunStatus.FAILED);
            assertThat(damaged.failure().orElseThrow().reason()).isEqualTo(Reason.CONDUCTOR_ERROR);
            assertThat(damaged.message())
                    .contains(
                            "dead letters under the key '" + task.deadLetters().getFirst());
            assertThat(task.deadLetters()).hasSize(1);
            assertThat(task.deadLetterOffsets())
                    .as("of no topic, so that nobody can send it there again")
                    .containsExactly("-1");
            assertThat(task.runs()).hasSize(1);

            task.send(new OperatorRequest(
                    step.model(), step.run(), OperatorRequest.Kind.RETRY, "ann", "test", task.now()));
            task.send(Answers.succeeded(step, task.now(), 0.01));
            Job next = task.jobs().getLast();
            assertThat(next.run()).isEqualTo(step.run());
            assertThat(next.parameters()).isInstanceOf(Parameters.Quality.class);
        }
        try (OneTask task = new OneTask(folder, Given.START.plusSeconds(20))) {
            task.pass(TICK);
            assertThat(task.deadLetters()).as("found once").isEmpty();
        }
    }

    /** Two models with a run each; one entry of the first is overwritten. Returns the first one's job. */
    private Job begun(String table, UnaryOperator<String> damage) {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            task.send(Given.checkpoint(Given.MODEL, "v0", Given.START));
            for (List<Job> jobs = task.jobs(); !jobs.isEmpty(); jobs = task.jobs()) {
                task.send(Answers.succeeded(jobs.getFirst(), task.now(), 0.01));
            }
            task.send(Given.checkpoint(Given.MODEL, "v1", Given.START.plusSeconds(1)));
            Job step = task.jobs().getFirst();
            task.send(Given.checkpoint(OTHER, "v1", Given.START));
            task.overwrite(table, entry -> !entry.startsWith(OTHER.value()), damage);
            return step;
        }
    }
}
