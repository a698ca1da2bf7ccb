package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
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

/** Whoever replaces one conductor after the other goes on with the next when this one is ready. */
final class ReadyConductorIT {
    @TempDir
    Path folder;

    @Test
    @Timeout(300)
    void aConductorThatHasNotWorkedYetIsNotReady() throws Exception {
        try (EmbeddedBroker broker = EmbeddedBroker.start(folder.resolve("kafka"), message -> {
                    throw new AssertionError(message);
                });
                Admin admin = Admin.create(Map.of("bootstrap.servers", broker.address()))) {
            TopicAdmin.apply(admin, Topics.DEFAULT, List.of(Device.CPU), (short) 1);
            try (Conductor conductor = Conductor.start(
                    ConductorSettings.local(broker.address(), folder.resolve("state"), new SimpleMeterRegistry()))) {
                while (!conductor.isReady()) {
                    Thread.onSpinWait();
                }
                assertThat(conductor.awaitRunning(Duration.ZERO)).isTrue();
            }
        }
    }
}
