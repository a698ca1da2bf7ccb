package io.millrace.conductor;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.cli.local.EmbeddedBroker;
import io.millrace.conductor.run.Limits;
import io.millrace.events.Device;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How one conductor follows another. */
final class ConductorSuccessionIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration SESSION = PATIENCE.multipliedBy(5);

    @TempDir
    Path folder;

    @Test
    @Timeout(420)
    void aConductorThatStopsIsNotWaitedFor() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"), message -> {
            throw new AssertionError(message);
        })) {
            try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
                TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU), (short) 1);
            }
            for (String state : List.of("first", "second")) {
                try (Conductor conductor = Conductor.start(settings(broker.address(), folder.resolve(state)))) {
                    assertThat(conductor.awaitRunning(PATIENCE))
                            .as("the %s conductor works long before the session of one before it ends", state)
                            .isTrue();
                }
            }
        }
    }

    private static ConductorSettings settings(String kafka, Path state) {
        return new ConductorSettings(
                Map.of("bootstrap.servers", kafka, "session.timeout.ms", Math.toIntExact(SESSION.toMillis())),
                Topics.DEFAULT,
                "millrace-conductor",
                state,
                (short) 1,
                1,
                Limits.DEFAULT,
                ConductorSettings.Pace.LOCAL,
                new SimpleMeterRegistry(),
                _ -> {});
    }
}
