package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.streams.errors.StreamsException;
import org.junit.jupiter.api.Test;

/** The errors are as Kafka 4.3.1 throws them. */
final class StreamRefusalTest {
    private static final Map<String, Object> KAFKA =
            Map.of("sasl.jaas.config", "Scram username=\"conductor\";", "transactional.id", "millrace.conductor");

    @Test
    void aTopicThatMayNotBeCreatedIsNamed() {
        Throwable death = new StreamsException(
                "Could not create topic millrace.conductor-state-changelog.",
                new TopicAuthorizationException("Authorization failed."));

        assertThat(told(death))
                .startsWith("Kafka denies User:conductor Create on topic millrace.conductor-state-changelog;")
                .contains("--operation Create --topic millrace.conductor-state-changelog'");
    }

    @Test
    void aTopicThatMayNotBeWrittenIsNamedHoweverDeepTheErrorLies() {
        Throwable death = new StreamsException(
                "in task 0_0", new StreamsException("""
                        Error encountered sending record to topic millrace.runs for task 0_0 due to:
                        org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics
                        Written offsets would not be recorded and no more records would be sent.""", new TopicAuthorizationException(Set.of("millrace.runs"))));

        assertThat(told(death)).startsWith("Kafka denies User:conductor Write on topic millrace.runs;");
    }

    @Test
    void whatTheConsumerMayNotReadIsNamed() {
        assertThat(told(new TopicAuthorizationException(Set.of("millrace.checkpoints"))))
                .startsWith("Kafka denies User:conductor Read on topic millrace.checkpoints;");
    }

    @Test
    void aRefusedTransactionIsNoRefusedTopic() {
        Throwable death = new StreamsException(
                "Error encountered sending record to topic millrace.runs for task 0_0 due to:\n",
                new TransactionalIdAuthorizationException("no"));

        assertThat(told(death)).startsWith("Kafka denies User:conductor Write on transactional id millrace.conductor;");
    }

    @Test
    void anotherDeathIsNoRefusal() {
        assertThat(StreamRefusal.of(new StreamsException("Could not create topic a.", new RuntimeException()), KAFKA))
                .isEmpty();
    }

    private static String told(Throwable death) {
        return StreamRefusal.of(death, KAFKA).orElse("");
    }
}
