package io.millrace.conductor;

import io.micrometer.core.instrument.MeterRegistry;
import io.millrace.conductor.run.Limits;
import io.millrace.events.RunChanged;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;

/**
 * How a conductor is set up.
 *
 * @param kafka {@code bootstrap.servers} and whatever else every Kafka client needs here (security, for example)
 * @param topics the names of the topics
 * @param applicationId of all conductors that share the work; also the prefix of internal topics and transactions
 * @param stateFolder where the stores lie; rebuilt from Kafka where it is lost
 * @param replication copies of the topics that the conductor creates
 * @param threads stream threads
 * @param limits of jobs and runs
 * @param pace how often work is committed and deadlines are looked at
 * @param registry where metrics go
 * @param ended told each run that has ended; again where a transaction is repeated
 */
public record ConductorSettings(
        Map<String, Object> kafka,
        Topics topics,
        String applicationId,
        Path stateFolder,
        short replication,
        int threads,
        Limits limits,
        Pace pace,
        MeterRegistry registry,
        Consumer<RunChanged> ended) {
    public ConductorSettings {
        kafka = Map.copyOf(kafka);
        if (!kafka.containsKey("bootstrap.servers")) {
            throw new IllegalArgumentException("the Kafka settings name no 'bootstrap.servers'");
        }
        if (threads < 1) {
            throw new IllegalArgumentException("a conductor has at least one thread, found " + threads);
        }
    }

    /**
     * The rhythm of a conductor. Figures measured from event to worker, median and 99th percentile: LOCAL 24/51 ms;
     * CLUSTER, beside other work, 47/146 ms. A short commit interval costs throughput.
     *
     * @param commit between two commits, where no record comes after a pause
     * @param poll longest wait for records
     * @param tick between two looks at the deadlines
     */
    public record Pace(Duration commit, Duration poll, Duration tick) {
        public static final Pace LOCAL = new Pace(Duration.ofMillis(50), Duration.ofMillis(10), Duration.ofMillis(100));
        public static final Pace CLUSTER =
                new Pace(Duration.ofMillis(100), Duration.ofMillis(100), Duration.ofMillis(250));
    }

    /** A conductor on one machine. */
    public static ConductorSettings local(String bootstrapServers, Path stateFolder, MeterRegistry registry) {
        return new ConductorSettings(
                Map.of("bootstrap.servers", bootstrapServers),
                Topics.DEFAULT,
                "millrace-conductor",
                stateFolder,
                (short) 1,
                1,
                Limits.DEFAULT,
                Pace.LOCAL,
                registry,
                _ -> {});
    }
}
