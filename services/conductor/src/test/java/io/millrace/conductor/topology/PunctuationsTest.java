package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import io.millrace.conductor.run.Limits;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.Reason;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PunctuationsTest {
    @TempDir
    Path folder;

    /** The end of such a time in the queue cannot be worked out. */
    @Test
    void aDeadlineThatTheConductorCannotDecideOnFailsItsRunAndComesNoMore() {
        try (Driven conductor = new Driven(folder, Given.START, queueOf(Duration.ofSeconds(Long.MAX_VALUE)))) {
            conductor.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            conductor.send(Given.checkpoint("v1"));
            Job job = conductor.job();

            conductor.pass(Limits.DEFAULT.unattended());

            assertThat(conductor.runs().values())
                    .extracting(run -> run.failure().orElseThrow().reason())
                    .containsExactly(Reason.CONDUCTOR_ERROR);
            assertThat(conductor.cancellations()).extracting(JobCancelled::job).containsOnly(job.key());
            conductor.pass(Limits.DEFAULT.unattended());
            assertThat(conductor.runs()).isEmpty();
        }
    }

    private static Limits queueOf(Duration queue) {
        Limits usual = Limits.DEFAULT;
        return new Limits(
                queue,
                usual.unattended(),
                usual.signOfLife(),
                usual.attempts(),
                usual.firstPause(),
                usual.longestPause(),
                usual.abandonedKept(),
                usual.endedKept());
    }
}
