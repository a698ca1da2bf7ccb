package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import io.millrace.conductor.run.Ticket.Queued;
import io.millrace.events.Job;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TimeoutsTest {
    private static final Limits LIMITS = Limits.DEFAULT;

    private final World world = new World();
    private final Timeouts timeouts = new Timeouts(LIMITS);

    @Test
    void aJobThatIsIssuedAgainHasTimeAnewBeforeItsQueueIsCalledUnattended() {
        Ticket unattended = issued().with(new Queued(Given.START, true));
        Instant end = Given.START.plus(LIMITS.queue());

        TicketStep step = timeouts.due(unattended, Optional.empty(), end);

        assertThat(step.issue()).isTrue();
        assertThat(step.ticket().orElseThrow().phase()).isEqualTo(new Queued(end, false));
        assertThat(step.wake()).contains(end.plus(LIMITS.unattended()));
    }

    private Ticket issued() {
        world.apply(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
        world.publish(Given.checkpoint("v1"));
        Job job = world.lastJob();
        return Ticket.issued(job, job.run(), Given.START);
    }
}
