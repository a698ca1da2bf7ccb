package io.millrace.events.wire;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether brokers answer a process's clients, of which none says so itself: Kafka Streams stays {@code RUNNING} without
 * any broker. Answers are counted, not connections: a broker that hangs keeps them. The loss of all brokers is logged once, and
 * so is the end of it.
 */
public final class BrokerContact implements AutoCloseable {
    /** A consumer hears from its broker each few seconds, also while nothing happens. */
    private static final Duration LONGEST_SILENCE = Duration.ofMinutes(1);

    private static final Logger LOG = LoggerFactory.getLogger(BrokerContact.class);
    private static final Duration BETWEEN_LOOKS = Duration.ofSeconds(5);
    private static final String ANSWERS = "response-total";
    private static final String OF_ONE_NODE = "-node-metrics";

    private final Supplier<? extends Map<MetricName, ? extends Metric>> clients;
    private final LongSupplier nanoTime;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("broker-contact").factory());
    private double answers;
    private long heardAtNanos;
    private boolean lost;

    /** @param clients the metrics of all clients */
    public BrokerContact(Supplier<? extends Map<MetricName, ? extends Metric>> clients, LongSupplier nanoTime) {
        this.clients = clients;
        this.nanoTime = nanoTime;
        this.heardAtNanos = nanoTime.getAsLong();
    }

    /** Looks each few seconds from now on. */
    public void start() {
        var _ = clock.scheduleWithFixedDelay(
                this::look, BETWEEN_LOOKS.toMillis(), BETWEEN_LOOKS.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** A client that is replaced takes its number along; fewer answers than before are none. */
    synchronized void look() {
        double now = clients.get().entrySet().stream()
                .filter(metric -> metric.getKey().name().equals(ANSWERS))
                .filter(metric -> !metric.getKey().group().endsWith(OF_ONE_NODE))
                .mapToDouble(
                        metric -> metric.getValue().metricValue() instanceof Number number ? number.doubleValue() : 0)
                .sum();
        Duration silence = silence();
        if (now > answers) {
            heardAtNanos = nanoTime.getAsLong();
        }
        answers = now;
        tell(silence);
    }

    private void tell(Duration silence) {
        if (lost == stands()) {
            lost = !lost;
            if (lost) {
                LOG.warn(
                        "no Kafka broker has answered for {} s; this process waits, and goes on by itself once one does"
                                + " ('millrace doctor' says what is wrong)",
                        silence.toSeconds());
            } else {
                LOG.info("a Kafka broker answers again, after {} s", silence.toSeconds());
            }
        }
    }

    private Duration silence() {
        return Duration.ofNanos(nanoTime.getAsLong() - heardAtNanos);
    }

    /** False once no broker has answered for a minute. */
    public synchronized boolean stands() {
        return silence().compareTo(LONGEST_SILENCE) < 0;
    }

    @Override
    public void close() {
        clock.shutdownNow();
    }
}
