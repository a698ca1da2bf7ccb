package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import io.millrace.events.Job;
import io.millrace.events.JobRef;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;

final class WorkedQueuesTest {
    private static final Duration SPAN = Limits.DEFAULT.unattended();
    private static final Job JOB = job();

    private final WorkedQueues worked = new WorkedQueues();

    @Test
    void aWordCountsForItsSpan() {
        worked.heard(JobRef.of(JOB), Given.START);

        assertThat(lastAt(Given.START.plus(SPAN).minusMillis(1))).isTrue();
        assertThat(lastAt(Given.START.plus(SPAN))).isFalse();
    }

    /** The clocks of a conductor's threads differ by the time between two of their looks. */
    @Test
    void anotherThreadsWordOfAMomentAheadCounts() {
        worked.heard(JobRef.of(JOB), Given.START.plusSeconds(1));

        assertThat(lastAt(Given.START)).isTrue();
    }

    @Test
    void aWordOfWhenTheClockWasAheadKeepsNoQueueFromBeingCalledUnattended() {
        worked.heard(JobRef.of(JOB), Given.START.plus(Duration.ofHours(2)));
        assertThat(lastAt(Given.START)).isFalse();

        worked.heard(JobRef.of(JOB), Given.START);

        assertThat(lastAt(Given.START.plusSeconds(1))).isTrue();
        assertThat(lastAt(Given.START.plus(SPAN))).isFalse();
    }

    private boolean lastAt(Instant now) {
        return worked.lastWithin(JOB, SPAN, now).isPresent();
    }

    private static Job job() {
        World world = new World();
        world.apply(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q8_0")))));
        world.publish(Given.checkpoint("v1"));
        return world.lastJob();
    }
}
