package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.exception.DockerException;
import com.github.dockerjava.api.exception.NotFoundException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.benchmarks.Checkpoints;
import io.millrace.benchmarks.Pipeline;
import io.millrace.client.LatestModels;
import io.millrace.conductor.run.Limits;
import io.millrace.events.ModelPublished;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.GenericContainer;

/** Kafka's own image with the settings of docker-compose.yml, and stages that do nothing. */
@Tag("docker")
final class KafkaImageIT {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final int LISTENER_FOR_THE_HOST = 29092;

    @TempDir
    Path folder;

    @Test
    void aCheckpointGoesThroughTheKafkaOfTheComposeFile() throws Exception {
        if (!DockerClientFactory.instance().isDockerAvailable()) {
            skip("no Docker engine answers");
        }
        fetch(ComposeService.kafka().text("image"));
        String store = "memory:kafka-image";
        int port = freePort();
        try (ArtifactStore artifacts = Stores.open(store);
                GenericContainer<?> kafka = kafka(port)) {
            kafka.start();
            String address = "localhost:" + port;
            try (Pipeline pipeline = Pipeline.on(address, (short) 1, folder, store);
                    LatestModels latest =
                            new LatestModels(Map.of("bootstrap.servers", address), Topics.DEFAULT.prefix())) {
                pipeline.startConductor(new SimpleMeterRegistry(), Limits.DEFAULT);
                pipeline.startIdleWorkers(1, 1, () -> {});
                Checkpoints checkpoints = Checkpoints.in(artifacts);
                pipeline.sendAndAwait(checkpoints.policy(1));
                pipeline.sendAndAwait(Checkpoints.event(0, 1, checkpoints.weights(1)));

                List<ModelPublished> models = new ArrayList<>();
                Awaitility.await("a model").atMost(PATIENCE).until(() -> {
                    models.addAll(latest.next(Duration.ofMillis(200)));
                    return !models.isEmpty();
                });
                assertThat(models)
                        .singleElement()
                        .extracting(ModelPublished::version)
                        .isEqualTo("1");
            }
        }
    }

    /** As the Compose file starts it, but for the port of this machine, which may be taken. */
    private static GenericContainer<?> kafka(int port) {
        ComposeService service = ComposeService.kafka();
        GenericContainer<?> kafka = new GenericContainer<>(service.text("image"));
        service.environment().forEach((name, value) -> kafka.addEnv(name, String.valueOf(value)));
        kafka.addEnv("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:9092,HOST://localhost:" + port);
        kafka.setPortBindings(List.of(port + ":" + LISTENER_FOR_THE_HOST));
        kafka.withExposedPorts(LISTENER_FOR_THE_HOST);
        return kafka.withStartupTimeout(PATIENCE);
    }

    /** Once: by itself Testcontainers would ask a registry that does not answer for ten minutes, and then fail. */
    private static void fetch(String image) throws InterruptedException {
        DockerClient engine = DockerClientFactory.lazyClient();
        try {
            engine.inspectImageCmd(image).exec();
        } catch (NotFoundException absent) {
            try {
                engine.pullImageCmd(image).start().awaitCompletion(10, TimeUnit.MINUTES);
                engine.inspectImageCmd(image).exec();
            } catch (DockerException e) {
                skip(image + " cannot be fetched: " + e.getMessage());
            }
        }
    }

    private static void skip(String why) {
        System.out.println("skipped: " + why);
        Assumptions.abort(why);
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
