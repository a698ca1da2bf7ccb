package io.millrace.cli.local;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.run.Limits;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.store.DiskFullException;
import io.millrace.worker.StartException;
import io.millrace.worker.observe.ManagementServer;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.QueueLag;
import io.millrace.worker.observe.Traces;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.apache.kafka.clients.admin.Admin;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole Millrace on this machine. It is closed in the order that loses nothing: first the services, which report what
 * they were at, then the conductor, then the broker, then the lock on the folder.
 */
public final class LocalMode implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LocalMode.class);
    /**
     * How long the conductor may take to start, at each attempt. After a kill Kafka's group coordinator was seen out of
     * step with its own log, so that no member could join; when the broker is started once more it is in step again.
     */
    private static final List<Duration> PATIENCE = List.of(Duration.ofSeconds(60), Duration.ofSeconds(90));

    private static final short ONE_COPY = 1;
    /** A broker whose disk fills while it makes its topics waits for them for ever. */
    private static final long LEAST_ROOM_BYTES = 64L << 20;

    /** What was started, the last first. */
    private final Deque<AutoCloseable> started = new ArrayDeque<>();

    private final LocalSettings settings;
    private final Map<String, Object> clients;
    private final PrometheusMeterRegistry registry = ProcessMetrics.registry();
    private @Nullable StageServices services;
    private int managementPort;
    private volatile boolean closing;

    private LocalMode(LocalSettings settings) {
        this.settings = settings;
        this.clients = new HashMap<>(settings.kafkaSettings());
    }

    /**
     * Starts everything and returns when the conductor works.
     *
     * @param onFailure told when a part is lost that is not started again by itself
     * @throws StartException if the folder cannot be written, or its disk is full
     */
    public static LocalMode start(LocalSettings settings, Consumer<String> onFailure)
            throws IOException, InterruptedException {
        return start(settings, onFailure, PATIENCE);
    }

    static LocalMode start(LocalSettings settings, Consumer<String> onFailure, List<Duration> patience)
            throws IOException, InterruptedException {
        try {
            return attempt(settings, onFailure, patience.getFirst());
        } catch (ConductorLateException e) {
            // A broker that is not ours is not ours to start again.
            if (patience.size() == 1 || settings.kafka().isPresent()) {
                throw e;
            }
            LOG.warn("{}; the broker and all else is started once more", e.getMessage());
            return start(settings, onFailure, patience.subList(1, patience.size()));
        }
    }

    private static LocalMode attempt(LocalSettings settings, Consumer<String> onFailure, Duration patience)
            throws IOException, InterruptedException {
        LocalMode local = new LocalMode(settings);
        boolean complete = false;
        try {
            local.startAll(onFailure, patience);
            complete = true;
            return local;
        } catch (IOException | RuntimeException e) {
            if (DiskFullException.isBehind(e)) {
                throw new StartException(
                        "the disk of " + settings.home().folder() + " is full (" + e.getMessage()
                                + "); make room there, or name another folder with --home",
                        e);
            }
            throw e;
        } finally {
            if (!complete) {
                local.close();
            }
        }
    }

    private static final class ConductorLateException extends IOException {
        ConductorLateException(Duration patience, Path log) {
            super("the conductor stopped, or did not start within " + patience.toSeconds() + " s; see " + log);
        }
    }

    /** Where Kafka is: {@code host:port}. */
    public String kafka() {
        return String.valueOf(clients.get("bootstrap.servers"));
    }

    /** Where the conductor's metrics and health are: {@code /metrics}, {@code /livez} and {@code /readyz}. */
    public int managementPort() {
        return managementPort;
    }

    /** Process ids of the stage services. */
    public Map<String, Long> servicePids() {
        return services == null ? Map.of() : services.pids();
    }

    @Override
    public void close() {
        closing = true;
        while (!started.isEmpty()) {
            try {
                started.pop().close();
            } catch (Exception e) {
                LOG.atWarn().setCause(e).log("a part did not stop cleanly; the rest is stopped all the same");
            }
        }
    }

    private void startAll(Consumer<String> onFailure, Duration patience) throws IOException, InterruptedException {
        Home home = settings.home();
        started.push(home.lock());
        WritableFolder.requireRoom(home.folder(), LEAST_ROOM_BYTES, "--home");
        Files.createDirectories(home.logs());
        Logs.toFile(home.logs().resolve("millrace.log"));
        Predicate<String> lostQueues = settings.kafka().isPresent() ? _ -> false : new KeptLogs(home).lostQueues();
        clients.put("bootstrap.servers", broker(onFailure));
        try (Admin admin = Admin.create(clients)) {
            TopicAdmin.delete(admin, lostQueues);
            TopicAdmin.apply(admin, settings.topics(), settings.devices(), ONE_COPY);
        }
        Conductor conductor = conductor();
        started.push(conductor);
        started.push(QueueLag.start(clients, settings.topics(), registry));
        ManagementServer management =
                ManagementServer.start(0, registry::scrape, () -> !conductor.hasFailed(), conductor::isReady);
        started.push(management);
        managementPort = management.port();
        StageServices stages = StageServices.start(settings, kafka());
        started.push(stages);
        services = stages;
        if (!conductor.awaitRunning(patience)) {
            throw new ConductorLateException(patience, home.logs().resolve("millrace.log"));
        }
        Thread.ofVirtual().name("watch-conductor").start(() -> watch(conductor, onFailure));
        home.announce(new Home.Running(
                kafka(), settings.store(), ProcessHandle.current().pid()));
        started.push(home::withdraw);
    }

    private String broker(Consumer<String> onFailure) throws IOException {
        if (settings.kafka().isPresent()) {
            return settings.kafka().get();
        }
        EmbeddedBroker broker = EmbeddedBroker.start(settings.home().kafka(), onFailure);
        started.push(broker);
        return broker.address();
    }

    private Conductor conductor() throws IOException {
        Files.createDirectories(settings.home().conductor());
        Map<String, Object> kafka = new HashMap<>(clients);
        // The folder's lock makes this the only conductor here: after a kill it takes the place of the one that died,
        // instead of waiting until its session times out.
        kafka.put("main.consumer.group.instance.id", "local");
        Traces traces = Traces.of("conductor", System.getenv());
        started.push(traces);
        return Conductor.start(new ConductorSettings(
                kafka,
                settings.topics(),
                settings.topics().prefix() + "conductor",
                settings.home().conductor(),
                ONE_COPY,
                1,
                Limits.DEFAULT,
                ConductorSettings.Pace.LOCAL,
                registry,
                traces::ended));
    }

    private void watch(Conductor conductor, Consumer<String> onFailure) {
        try {
            conductor.awaitEnd();
            if (closing) {
                return;
            }
            onFailure.accept(
                    "the conductor has stopped; see " + settings.home().logs().resolve("millrace.log"));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
