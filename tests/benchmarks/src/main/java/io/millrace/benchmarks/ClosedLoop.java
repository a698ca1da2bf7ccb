package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;

/** The next checkpoint is sent when the models of an earlier one are published. */
final class ClosedLoop implements AutoCloseable {
    private static final Duration POLL = Duration.ofMillis(10);

    private final Pipeline pipeline;
    private final int models;
    private final int targets;
    private final int inFlight;
    private final Duration patience;
    private final KafkaConsumer<byte[], byte[]> published;
    private int versions;
    private int came;

    /**
     * @param models that the checkpoints belong to in turn
     * @param targets models published of each checkpoint
     * @param inFlight checkpoints sent and not yet published
     * @param patience between two published models
     */
    ClosedLoop(Pipeline pipeline, int models, int targets, int inFlight, Duration patience) {
        this.pipeline = pipeline;
        this.models = models;
        this.targets = targets;
        this.inFlight = inFlight;
        this.patience = patience;
        this.published = TopicReader.open(pipeline.kafka(), Topics.DEFAULT.models());
    }

    void run(List<ArtifactRef> weights) {
        run(weights, _ -> {});
    }

    /** @param seen told each published model */
    void run(List<ArtifactRef> weights, Consumer<ConsumerRecord<byte[], byte[]>> seen) {
        long deadline = System.nanoTime() + patience.toNanos();
        int sent = 0;
        int count = 0;
        while (count < weights.size() * targets) {
            while (sent < weights.size() && sent - count / targets < inFlight && mayBegin()) {
                pipeline.send(Checkpoints.event(versions % models, versions, weights.get(sent)));
                sent++;
                versions++;
            }
            for (ConsumerRecord<byte[], byte[]> model : published.poll(POLL)) {
                count++;
                came++;
                seen.accept(model);
                deadline = System.nanoTime() + patience.toNanos();
            }
            if (System.nanoTime() - deadline > 0) {
                throw new IllegalStateException("after " + count + " of " + weights.size() * targets
                        + " models none came for " + patience.toSeconds() + " s");
            }
        }
    }

    /** One checkpoint of each model is planned whether it comes before the policy or after it; more are not. */
    private boolean mayBegin() {
        return versions < models || came >= models * targets;
    }

    @Override
    public void close() {
        published.close();
    }
}
