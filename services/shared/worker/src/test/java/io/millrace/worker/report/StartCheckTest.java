package io.millrace.worker.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

/** A worker that ends at its start leaves one line behind, and often nobody sees more of it. */
class StartCheckTest {
    private static final Map<String, Object> KAFKA = Map.of("bootstrap.servers", "kafka:9093");

    @Test
    void whereNoBrokerAnswersIsSaidAndWhatToLookAt() {
        assertThat(StartCheck.unanswered(new TimeoutException("Timed out waiting for a node assignment."), KAFKA))
                .isEqualTo(
                        "no Kafka broker answers at kafka:9093 (Timed out waiting for a node assignment.); check the"
                                + " address, that it runs, and that security.protocol (--kafka-config) is the one of this port");
    }

    @Test
    void aRefusalStaysARefusal() {
        assertThat(StartCheck.unanswered(new SaslAuthenticationException("wrong password"), KAFKA))
                .startsWith("the broker at kafka:9093 refuses this client: wrong password");
    }
}
