package io.millrace.worker.report;

import io.millrace.events.Device;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.UnsupportedVersionException;

/**
 * Waits until Kafka answers and its topics and share groups are as they should be. A share group without its settings
 * would start at the end of the queue and read what a transaction took back, without any error.
 */
public final class StartCheck {
    private static final Duration PAUSE = Duration.ofMillis(500);

    private StartCheck() {}

    /** @return what is still wrong when patience ends; empty if all is well */
    public static List<String> await(
            Map<String, Object> kafka,
            Topics topics,
            Collection<Device> devices,
            Duration patience,
            LongSupplier nanoTime)
            throws InterruptedException {
        long began = nanoTime.getAsLong();
        Map<String, Object> settings = new TreeMap<>(kafka);
        settings.put(AdminClientConfig.REQUEST_TIMEOUT_MS_CONFIG, 5_000);
        settings.put(AdminClientConfig.DEFAULT_API_TIMEOUT_MS_CONFIG, 10_000);
        try (Admin admin = Admin.create(settings)) {
            while (true) {
                Optional<String> tooOld = hopeless(admin, settings);
                if (tooOld.isPresent()) {
                    return List.of(tooOld.get());
                }
                List<String> problems = problems(admin, settings, topics, devices);
                if (problems.isEmpty() || nanoTime.getAsLong() - began >= patience.toNanos()) {
                    return problems;
                }
                TimeUnit.NANOSECONDS.sleep(PAUSE.toNanos());
            }
        }
    }

    /** What no patience cures. */
    private static Optional<String> hopeless(Admin admin, Map<String, Object> settings) throws InterruptedException {
        try {
            return TopicAdmin.shareGroupProblem(admin);
        } catch (UnsupportedVersionException e) {
            return Optional.of("the Kafka broker is too old; use 4.3 or newer: " + e.getMessage());
        } catch (KafkaException e) {
            // Else it may answer the next time, and says why it did not below.
            return KafkaRefusal.of(e, settings);
        }
    }

    private static List<String> problems(
            Admin admin, Map<String, Object> settings, Topics topics, Collection<Device> devices)
            throws InterruptedException {
        try {
            return TopicAdmin.problems(admin, topics, devices);
        } catch (KafkaException e) {
            return List.of(unanswered(e, settings));
        }
    }

    /** In the words of the commands. */
    static String unanswered(KafkaException error, Map<String, ?> settings) {
        return KafkaRefusal.of(error, settings)
                .orElse("no Kafka broker answers at " + settings.get(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG) + " ("
                        + error.getMessage() + "); check the address, that it runs, and that security.protocol"
                        + " (--kafka-config) is the one of this port");
    }
}
