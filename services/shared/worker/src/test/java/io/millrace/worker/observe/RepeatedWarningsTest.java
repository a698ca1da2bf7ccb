package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.millrace.worker.report.EventPublisher;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class RepeatedWarningsTest {
    private static final String KAFKA = "org.apache.kafka.clients.NetworkClient";
    private static final String AWAY =
            "Connection to node {} ({}) could not be established. Node may not be available.";

    private final LoggerContext context = new LoggerContext();
    private final ListAppender<ILoggingEvent> said = new ListAppender<>();
    private Duration now = Duration.ofDays(1);

    @BeforeEach
    void listen() {
        context.addTurboFilter(new RepeatedWarnings(() -> now.toNanos()));
        said.start();
        context.getLogger(Logger.ROOT_LOGGER_NAME).addAppender(said);
    }

    @AfterEach
    void stop() {
        context.stop();
    }

    @Test
    void aBrokerThatIsAwayIsToldOncePerMinuteHoweverManyClientsMissIt() {
        for (int second = 0; second < 180; second++) {
            for (String client : new String[] {"Consumer clientId=a, groupId=g", "Producer clientId=b"}) {
                warn(KAFKA, "[" + client + "] " + AWAY, 1, "kafka/10.0.0.1:9092");
            }
            now = now.plusSeconds(1);
        }

        assertThat(said.list)
                .hasSize(3)
                .allSatisfy(event -> assertThat(event.getFormattedMessage())
                        .isEqualTo(
                                "[Consumer clientId=a, groupId=g] Connection to node 1 (kafka/10.0.0.1:9092) could not be"
                                        + " established. Node may not be available."));
    }

    @Test
    void anotherBrokerAndAnotherTroubleAreToldAtOnce() {
        warn(KAFKA, "[Producer clientId=b] " + AWAY, 1, "kafka/10.0.0.1:9092");
        warn(KAFKA, "[Producer clientId=b] " + AWAY, 2, "kafka/10.0.0.2:9092");
        warn(KAFKA, "[Producer clientId=b] Bootstrap broker {} disconnected", "kafka:9092");

        assertThat(said.list).hasSize(3);
    }

    /** Each of many slots that have finished says so every few seconds. */
    @Test
    void jobsWhoseEndCannotBeToldWarnOncePerMinuteAndTrouble() {
        String publisher = EventPublisher.class.getName();
        String text = "an event for {} is not published yet: {}";
        for (int job = 0; job < 5; job++) {
            warn(
                    publisher,
                    text,
                    "millrace.job-events",
                    "Expiring 1 record(s) for millrace.job-events-" + job + ": 500" + job + " ms has passed");
        }
        warn(publisher, text, "millrace.job-events", "user 'quantizer' may not write it");

        assertThat(said.list).hasSize(2);
    }

    @Test
    void errorsAndWhatOthersSayAreToldEachTime() {
        for (int time = 0; time < 3; time++) {
            context.getLogger(KAFKA).error(AWAY);
            context.getLogger(KAFKA).info(AWAY);
            warn("io.millrace.worker.Worker", AWAY);
        }

        assertThat(said.list).hasSize(9);
    }

    private void warn(String logger, String text, Object... values) {
        context.getLogger(logger).warn(text, values);
    }
}
