package io.millrace.client;

import io.millrace.events.ModelPublished;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every accepted model, at least once, to one subscriber of a group. A model counts as received when the next are asked
 * for, so a subscriber that dies in between sees it again. Only committed events are seen: each has its artifact and its
 * evidence. One thread uses it; another may {@link #stop} it.
 */
public final class ModelSubscriber implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ModelSubscriber.class);
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    /** A receiver may fetch a hundred gigabytes before it asks for the next model. */
    private static final int LONGEST_RECEIPT_MILLIS = 3_600_000;

    private final Consumer<String, byte[]> consumer;
    private final ModelRecords records;
    private final AutoCloseable schemas;
    private final CountDownLatch stopping = new CountDownLatch(1);
    private boolean handedOver;

    /**
     * @param kafka at least {@code bootstrap.servers}
     * @param prefix of the topics
     * @param group who shares the models; a new group begins with the oldest that is kept
     */
    public ModelSubscriber(Map<String, Object> kafka, String prefix, String group)
            throws IOException, InterruptedException {
        Map<String, Object> settings = new HashMap<>(kafka);
        settings.put(ConsumerConfig.GROUP_ID_CONFIG, group);
        settings.putIfAbsent(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 1);
        settings.putIfAbsent(ConsumerConfig.MAX_POLL_INTERVAL_MS_CONFIG, LONGEST_RECEIPT_MILLIS);
        Topics topics = new Topics(prefix);
        this(Connection.consumer(settings, topics.models()), new SchemaTopic(kafka, topics), topics);
    }

    private ModelSubscriber(Consumer<String, byte[]> consumer, SchemaTopic schemas, Topics topics) {
        this(consumer, new EventCodec(schemas), schemas, topics);
    }

    ModelSubscriber(Consumer<String, byte[]> consumer, EventCodec codec, AutoCloseable schemas, Topics topics) {
        this.consumer = consumer;
        this.records = new ModelRecords(codec);
        this.schemas = schemas;
        consumer.subscribe(List.of(topics.models()), new GroupBeginning(consumer));
    }

    /** What to do with a model. */
    public interface Receiver {
        void receive(ModelPublished model) throws IOException, InterruptedException;
    }

    /** The next models, none if the time ran out; those of the call before are thereby received. */
    public List<ModelPublished> poll(Duration timeout) {
        commit();
        List<ModelPublished> models = new ArrayList<>();
        ConsumerRecords<String, byte[]> messages = consumer.poll(timeout);
        records.readAll(consumer, messages, message -> records.read(message).ifPresent(models::add));
        handedOver |= !messages.isEmpty();
        return models;
    }

    /** With nothing to commit no broker is needed, so that one which is away ends nobody. */
    private void commit() {
        if (handedOver) {
            consumer.commitSync();
            handedOver = false;
        }
    }

    /**
     * Gives every model to the receiver until {@link #stop} is called; what the receiver throws ends it. A broker that is
     * away is waited for.
     */
    public void forEach(Receiver receiver) throws IOException, InterruptedException {
        try {
            while (stopping.getCount() > 0) {
                for (ModelPublished model : pollUntilAnswered()) {
                    receiver.receive(model);
                }
            }
            commit();
        } catch (WakeupException e) {
            if (stopping.getCount() > 0) {
                throw e;
            }
        }
    }

    private List<ModelPublished> pollUntilAnswered() throws InterruptedException {
        while (true) {
            try {
                return poll(POLL);
            } catch (RetriableException e) {
                LOG.warn("Kafka does not answer, asking again: {}", e.toString());
                if (stopping.await(PAUSE.toMillis(), TimeUnit.MILLISECONDS)) {
                    return List.of();
                }
            }
        }
    }

    /** Ends {@link #forEach}, from any thread. */
    public void stop() {
        stopping.countDown();
        consumer.wakeup();
    }

    @Override
    public void close() throws IOException {
        Closing.close(consumer, schemas);
    }
}
