package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

final class BrokerContactTest {
    private final Map<MetricName, Metric> metrics = new HashMap<>();
    private Duration now = Duration.ofDays(1);
    private final BrokerContact contact = new BrokerContact(() -> metrics, () -> now.toNanos());

    @Test
    void standsFromTheStartForAMinute() {
        lookAfter(59);
        assertThat(contact.stands()).isTrue();

        lookAfter(1);
        assertThat(contact.stands()).isFalse();
    }

    @Test
    void isLostAMinuteAfterTheLastAnswerOfAnyClientAndBackWithTheNext() {
        answers("consumer-metrics", "a", 100);
        lookAfter(30);
        answers("producer-metrics", "b", 1);
        lookAfter(50);
        assertThat(contact.stands()).isTrue();

        lookAfter(60);
        assertThat(contact.stands()).isFalse();

        answers("consumer-metrics", "a", 101);
        lookAfter(5);
        assertThat(contact.stands()).isTrue();
    }

    @Test
    void aClientThatIsReplacedHasHeardNothing() {
        answers("consumer-metrics", "a", 100);
        lookAfter(5);
        metrics.clear();
        answers("consumer-metrics", "next", 0);

        lookAfter(60);

        assertThat(contact.stands()).isFalse();
    }

    @Test
    void theLossOfAllBrokersIsSaidOnceAndTheirReturnToo() {
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        Logger log = (Logger) LoggerFactory.getLogger(BrokerContact.class);
        log.addAppender(said);
        answers("consumer-metrics", "a", 100);
        for (int look = 0; look <= 100; look++) {
            lookAfter(5);
        }
        answers("consumer-metrics", "a", 101);
        lookAfter(5);
        lookAfter(5);
        log.detachAppender(said);

        assertThat(said.list)
                .extracting(event -> event.getLevel() + " " + event.getFormattedMessage())
                .satisfiesExactly(
                        lost -> assertThat(lost).startsWith("WARN no Kafka broker has answered for 60 s"),
                        back -> assertThat(back).isEqualTo("INFO a Kafka broker answers again, after 505 s"));
    }

    /** Kafka forgets the numbers of a node that is idle and begins them anew. */
    @Test
    void whatIsCountedOfOneNodeIsNotCountedTwice() {
        answers("consumer-metrics", "a", 100);
        lookAfter(5);
        answers("consumer-node-metrics", "a", 90);

        lookAfter(60);

        assertThat(contact.stands()).isFalse();
    }

    private void lookAfter(long seconds) {
        now = now.plusSeconds(seconds);
        contact.look();
    }

    private void answers(String group, String client, double total) {
        MetricName name = new MetricName("response-total", group, "", Map.of("client-id", client));
        metrics.put(name, new Metric() {
            @Override
            public MetricName metricName() {
                return name;
            }

            @Override
            public Object metricValue() {
                return total;
            }
        });
    }
}
