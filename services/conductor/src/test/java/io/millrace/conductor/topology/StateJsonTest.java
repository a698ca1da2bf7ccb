package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.run.Ticket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import org.apache.kafka.common.serialization.Serde;
import org.junit.jupiter.api.Test;

class StateJsonTest {
    private final Serde<Ticket.Phase> phases = StateJson.serde(Ticket.Phase.class);

    @Test
    void queuedJobOfAnEarlierVersionCountsAsIssuedLongAgo() {
        byte[] earlier = "{\"@is\":\"Queued\",\"unattended\":true}".getBytes(StandardCharsets.UTF_8);

        assertThat(phases.deserializer().deserialize("tickets", earlier))
                .isEqualTo(new Ticket.Queued(Instant.EPOCH, true));
    }

    @Test
    void queuedJobIsReadAsItWasWritten() {
        Ticket.Phase queued = new Ticket.Queued(Instant.parse("2026-01-02T03:04:05.006Z"), false);

        byte[] written = phases.serializer().serialize("tickets", queued);

        assertThat(phases.deserializer().deserialize("tickets", written)).isEqualTo(queued);
    }
}
