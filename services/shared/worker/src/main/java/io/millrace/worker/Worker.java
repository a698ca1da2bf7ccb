package io.millrace.worker;

import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.millrace.events.wire.BrokerContact;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.PatientLookup;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.SetBackClock;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.Stores;
import io.millrace.worker.commit.JobProtocol;
import io.millrace.worker.commit.StageRun;
import io.millrace.worker.lease.Slots;
import io.millrace.worker.observe.KafkaClientMeters;
import io.millrace.worker.observe.ManagementServer;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.Traces;
import io.millrace.worker.observe.WorkerMetrics;
import io.millrace.worker.report.Cancellations;
import io.millrace.worker.report.EventPublisher;
import io.millrace.worker.report.StartCheck;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.MetricName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A process's stages at work: slots that lease jobs, and what they share. Built by {@link #start}, ended by {@link #stop},
 * which reports what is running as {@code shutdown} and gives the leases back by accepting them.
 */
public final class Worker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Worker.class);
    /** A record's lease is kept meanwhile. */
    private static final Duration SCHEMA_PATIENCE = Duration.ofSeconds(30);

    private static final Duration CATCH_UP = Duration.ofSeconds(10);
    private static final Duration MARGIN = Duration.ofSeconds(15);
    private static final Duration KEEP_WORK = Duration.ofDays(7);

    private final WorkerSettings settings;
    private final Deque<AutoCloseable> parts;
    private final PrometheusMeterRegistry registry = ProcessMetrics.registry();
    private final Slots slots;
    private final EventPublisher publisher;
    private final OptionalInt managementPort;
    private boolean stopped;

    /** Starts a worker of one stage. */
    public static Worker start(Stage<?> stage, WorkerSettings settings) throws IOException, InterruptedException {
        return start(new Stages(List.of(stage)), settings);
    }

    /**
     * Starts a worker; it leases jobs when this returns.
     *
     * @throws StartException if Kafka or its topics are not ready within the start limit
     * @throws IOException if the store or the work folder cannot be used
     */
    public static Worker start(Stages stages, WorkerSettings settings) throws IOException, InterruptedException {
        Deque<AutoCloseable> parts = new ArrayDeque<>();
        try {
            Worker worker = new Worker(stages, settings, parts);
            worker.slots.start();
            return worker;
        } catch (IOException | InterruptedException | RuntimeException e) {
            closeAll(parts);
            throw e;
        }
    }

    private Worker(Stages stages, WorkerSettings settings, Deque<AutoCloseable> opened)
            throws IOException, InterruptedException {
        this.settings = settings;
        this.parts = opened;
        KafkaSettings kafka = settings.kafka();
        String name = settings.service() + "-" + UUID.randomUUID().toString().substring(0, 8);
        String holder = InetAddress.getLocalHost().getHostName() + ":"
                + ProcessHandle.current().pid() + ":" + name;
        InstantSource clock = InstantSource.system();
        ArtifactStore store = opened(Stores.open(settings.store()), opened);
        List<String> problems = StartCheck.await(
                kafka.client(name + "-admin"),
                kafka.topics(),
                settings.devices(),
                settings.limits().start(),
                System::nanoTime);
        if (!problems.isEmpty()) {
            throw new StartException(problems.stream().limit(3).collect(Collectors.joining("; "))
                    + (problems.size() > 3 ? "; and " + (problems.size() - 3) + " more" : ""));
        }
        ClaimKeeper claims = opened(new ClaimKeeper(store), opened);
        SchemaTopic schemas = opened(new SchemaTopic(kafka.client(name + "-schemas"), kafka.topics()), opened);
        schemas.publishOwn();
        Cancellations cancelled =
                opened(new Cancellations(kafka.client(name + "-cancellations"), kafka.topics()), opened);
        EventCodec codec = new EventCodec(new PatientLookup(schemas, SCHEMA_PATIENCE));
        String source = "millrace/" + settings.service();
        this.publisher = opened(
                new EventPublisher(
                        new EventRecords(kafka.topics(), codec, source),
                        new DeadLetters(kafka.topics(), source),
                        kafka.client(name + "-events")),
                opened);
        StageRun stageRun = new StageRun(stages, store, publisher, cancelled, settings, clock, System::nanoTime);
        stageRun.sweep(KEEP_WORK);
        this.slots = new Slots(
                settings,
                stages.names(),
                name,
                codec,
                new JobProtocol(store, claims, publisher, cancelled, stageRun, holder, clock),
                publisher,
                new WorkerMetrics(registry, settings.slots()),
                opened(Traces.of(settings.service(), System.getenv()), opened),
                clock,
                System::nanoTime);
        opened(new SetBackClock(clock, System::nanoTime, slots::giveUp), opened).start();
        this.managementPort = manage(opened);
        if (!cancelled.awaitCaughtUp(CATCH_UP)) {
            LOG.warn("the cancellations were not read to their end; a cancelled job may start and be interrupted");
        }
        LOG.atInfo()
                .addKeyValue("stages", stages.names())
                .addKeyValue("devices", settings.devices())
                .addKeyValue("slots", settings.slots())
                .log("{} takes jobs as {}", settings.service(), holder);
    }

    /** The port that metrics and health are served on. */
    public OptionalInt managementPort() {
        return managementPort;
    }

    /** True if only a new process helps: a job does not answer its interrupt, a slot died, or the clock was set back. */
    public boolean broken() {
        return slots.broken();
    }

    /** Waits until the worker has taken its last job: it was stopped, or a job hangs. */
    public void await() throws InterruptedException {
        slots.await();
    }

    /** Stops leasing, interrupts the running jobs, reports them, and lets go of everything, within a bounded time. */
    public synchronized void stop() {
        if (stopped) {
            return;
        }
        stopped = true;
        publisher.stopSoon();
        slots.stop();
        try {
            if (!slots.await(settings.limits().interrupt().plus(MARGIN))) {
                LOG.warn("not all slots ended in time; their jobs come back to other workers when the leases end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        closeAll(parts);
    }

    @Override
    public void close() {
        stop();
    }

    private OptionalInt manage(Deque<AutoCloseable> opened) throws IOException {
        if (settings.managementPort().isEmpty()) {
            return OptionalInt.empty();
        }
        BrokerContact contact = opened(new BrokerContact(this::clients, System::nanoTime), opened);
        contact.start();
        KafkaClientMeters producerMeters = new KafkaClientMeters(registry, publisher::metrics);
        KafkaClientMeters consumerMeters = new KafkaClientMeters(registry, slots::metrics);
        ManagementServer server = opened(
                ManagementServer.start(
                        settings.managementPort().getAsInt(),
                        () -> {
                            producerMeters.refresh();
                            consumerMeters.refresh();
                            return registry.scrape();
                        },
                        () -> !slots.broken(),
                        () -> !slots.stopping() && contact.stands()),
                opened);
        LOG.info("metrics and health at http://localhost:{}/metrics", server.port());
        return OptionalInt.of(server.port());
    }

    private Map<MetricName, Metric> clients() {
        Map<MetricName, Metric> all = new HashMap<>(publisher.metrics());
        all.putAll(slots.metrics());
        return all;
    }

    private static <T extends AutoCloseable> T opened(T part, Deque<AutoCloseable> parts) {
        parts.push(part);
        return part;
    }

    private static void closeAll(Deque<AutoCloseable> parts) {
        while (!parts.isEmpty()) {
            AutoCloseable part = parts.pop();
            try {
                part.close();
            } catch (Exception e) {
                LOG.warn("{} was not closed in order: {}", part.getClass().getSimpleName(), e.toString());
            }
        }
    }
}
