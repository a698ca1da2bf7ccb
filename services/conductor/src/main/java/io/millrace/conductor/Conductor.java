package io.millrace.conductor;

import io.micrometer.core.instrument.binder.kafka.KafkaStreamsMetrics;
import io.millrace.conductor.run.LostQueues;
import io.millrace.conductor.topology.ConductorMetrics;
import io.millrace.conductor.topology.ConductorTopology;
import io.millrace.conductor.topology.Wiring;
import io.millrace.events.wire.BrokerContact;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.PatientLookup;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.SetBackClock;
import java.time.Duration;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.streams.CloseOptions;
import org.apache.kafka.streams.CloseOptions.GroupMembershipOperation;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.errors.ProcessorStateException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A running conductor. The fixed topics must exist before it starts; it creates the queues of its jobs by itself. */
public final class Conductor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Conductor.class);
    private static final Duration CLOSE_WITHIN = Duration.ofSeconds(20);
    /** Half the time after which Kafka ends a transaction in which nothing happens, as Streams sets it. */
    private static final Duration SCHEMA_PATIENCE = Duration.ofSeconds(5);

    private final SchemaTopic schemas;
    private final Admin admin;
    private final QueueWatch queues;
    private final InputWatch input;
    private final KafkaStreams streams;
    private final KafkaStreamsMetrics streamsMetrics;
    private final BrokerContact contact;
    private final SetBackClock clock;
    private final CountDownLatch running = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile boolean stands;

    private Conductor(ConductorSettings settings) {
        this.schemas = new SchemaTopic(settings.kafka(), settings.topics());
        this.admin = Admin.create(settings.kafka());
        LostQueues lost = new LostQueues();
        this.queues = new QueueWatch(admin, settings.kafka(), settings.topics(), settings.replication(), lost);
        this.input = new InputWatch(
                admin,
                settings.kafka(),
                settings.applicationId(),
                settings.topics(),
                System::nanoTime,
                settings.registry());
        Wiring wiring = Wiring.of(
                settings.topics(),
                new EventCodec(new PatientLookup(schemas, SCHEMA_PATIENCE)),
                new JobTopics(admin, settings.kafka(), settings.topics(), settings.replication(), queues),
                new ConductorMetrics(settings.registry()),
                settings.limits(),
                lost,
                settings.pace().tick(),
                settings.ended());
        this.streams = new KafkaStreams(ConductorTopology.build(wiring), StreamsProperties.of(settings));
        this.streamsMetrics = new KafkaStreamsMetrics(streams);
        streamsMetrics.bindTo(settings.registry());
        this.contact = new BrokerContact(streams::metrics, System::nanoTime);
        this.clock = new SetBackClock(InstantSource.system(), System::nanoTime, this::standStill);
    }

    /**
     * Starts a conductor and returns; {@link #awaitRunning} tells when it works. What it keeps on its disk is a copy of
     * what Kafka has: if that cannot be opened it is deleted and read again.
     */
    public static Conductor start(ConductorSettings settings) {
        Conductor conductor = new Conductor(settings);
        try {
            conductor.begin(settings);
            return conductor;
        } catch (ProcessorStateException damaged) {
            LOG.atWarn()
                    .addKeyValue("folder", settings.stateFolder())
                    .setCause(damaged)
                    .log("the state on disk cannot be opened; it is deleted and read again from Kafka");
            conductor.close();
            conductor.streams.cleanUp();
        }
        Conductor anew = new Conductor(settings);
        anew.begin(settings);
        return anew;
    }

    private void begin(ConductorSettings settings) {
        schemas.publishOwn();
        // Streams adds to the name of the application what makes each thread's transactional id.
        Map<String, Object> client = new HashMap<>(settings.kafka());
        client.put("transactional.id", settings.applicationId());
        streams.setUncaughtExceptionHandler(new Replacement(client, System::nanoTime));
        streams.setStateListener((now, before) -> changed(now));
        streams.start();
        queues.start();
        input.start();
        contact.start();
        clock.start();
    }

    /** True once it has worked and until it stops. */
    public boolean isRunning() {
        // Streams says of itself that it rebalances also before it has its first share and its state.
        return running.getCount() == 0 && streams.state().isRunningOrRebalancing();
    }

    /** True while it works and Kafka answers it: without a broker it goes on waiting, and decides nothing. */
    public boolean isReady() {
        return isRunning() && contact.stands();
    }

    /** True if it cannot go on by itself: only a new start helps. */
    public boolean hasFailed() {
        return stands || streams.state() == KafkaStreams.State.ERROR;
    }

    /** Waits until it works; false if it did not in this time, or has stopped. */
    public boolean awaitRunning(Duration atMost) throws InterruptedException {
        return running.await(atMost.toNanos(), TimeUnit.NANOSECONDS) && ended.getCount() > 0;
    }

    /** Waits until it has stopped, by {@link #close} or because it could not go on. */
    public void awaitEnd() throws InterruptedException {
        ended.await();
    }

    @Override
    public void close() {
        queues.close();
        input.close();
        contact.close();
        clock.close();
        streamsMetrics.close();
        // Whoever comes next takes over at once; a member that stays in the group is waited for until its session ends.
        if (!streams.close(CloseOptions.groupMembershipOperation(GroupMembershipOperation.LEAVE_GROUP)
                .withTimeout(CLOSE_WITHIN))) {
            LOG.warn("the conductor did not stop within {} s", CLOSE_WITHIN.toSeconds());
        }
        admin.close(CLOSE_WITHIN);
        schemas.close();
        ended.countDown();
    }

    /** Its threads commit nothing until the clock is where it was. */
    private void standStill(String why) {
        LOG.error("the conductor ends: {}", why);
        stands = true;
        ended.countDown();
        running.countDown();
    }

    private void changed(KafkaStreams.State now) {
        switch (now) {
            case RUNNING -> running.countDown();
            case ERROR, NOT_RUNNING -> {
                ended.countDown();
                running.countDown();
            }
            case CREATED, REBALANCING, PENDING_ERROR, PENDING_SHUTDOWN -> {}
        }
    }
}
