package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.benchmarks.Pipeline;
import io.millrace.conductor.run.Limits;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Gate;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.Topics;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.store.ArtifactStore;
import io.millrace.store.JobResult;
import io.millrace.store.S3Proxy;
import io.millrace.store.S3Server;
import io.millrace.store.StoreCheck;
import io.millrace.store.Stores;
import io.millrace.tensors.architecture.ModelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.model.S3Object;

/** Workers that find their inputs in a bucket and leave their outputs there; nothing else is shared but Kafka. */
final class S3PipelineIT {
    private static final ModelNumbers NUMBERS =
            new ModelNumbers("LlamaForCausalLM", 130_000, 259, 64, SmallCheckpoint.FEED_FORWARD, 2, 4, 2, 256, "BF16");

    @RegisterExtension
    static final S3Server SERVER = new S3Server(S3Proxy::startOnDisk);

    @TempDir
    Path folder;

    @Test
    void aCheckpointInABucketBecomesAModelThatStaysThereWhenGarbageIsCollected() throws Exception {
        String address = S3Proxy.address("shared", SERVER.endpoint(), folder.resolve("cache"));
        try (ArtifactStore store = Stores.open(address);
                Pipeline pipeline = Pipeline.start(folder, address)) {
            pipeline.startConductor(new SimpleMeterRegistry(), Limits.DEFAULT);
            pipeline.startWorker("pruner", new PruneStage(), 1, OptionalInt.empty());
            pipeline.startWorker("quantizer", new QuantizeStage(), 1, OptionalInt.empty());
            pipeline.startWorker("benchmarker", new BenchmarkStage(), 1, OptionalInt.empty());

            pipeline.sendAndAwait(policy(text(store, 2), text(store, 3)));
            pipeline.sendAndAwait(checkpoint(store));

            ModelPublished model;
            try (EventLog models = new EventLog(pipeline.kafka(), Topics.DEFAULT.models());
                    EventLog runs = new EventLog(pipeline.kafka(), Topics.DEFAULT.runs());
                    EventLog jobs = new EventLog(pipeline.kafka(), Topics.DEFAULT.jobEvents())) {
                RunChanged ended =
                        runs.await(RunChanged.class, state -> state.status().ended());
                assertThat(ended.status()).as(ended.message()).isEqualTo(RunStatus.PUBLISHED);
                model = models.await(ModelPublished.class, _ -> true);
                jobs.readToEnd();
                assertThat(jobs.all(JobFailed.class)).isEmpty();
                JobSucceeded pruned = jobs.all(JobSucceeded.class).stream()
                        .filter(job -> job.job().stage() == StageName.PRUNE)
                        .findFirst()
                        .orElseThrow();
                neuronsWereRankedByWhatTheyDo(store.checkOut(pruned.output(), folder.resolve("pruned")));
            }
            Path pulled = store.checkOut(model.artifact(), folder.resolve("pulled"));
            assertThat(pulled.resolve("model-Q8_0.gguf")).isRegularFile();
            StoreCheck.Report report = new StoreCheck(store, (_, _, _) -> {}).run(List.of());
            assertThat(report.whole()).as(report.damages().toString()).isTrue();
            assertThat(report.results()).isEqualTo(4);
            assertThat(claims()).isEmpty();

            collectGarbage(store, address, pipeline.kafka());
            assertThat(new StoreCheck(store, (_, _, _) -> {}).run(List.of())).isEqualTo(report);
        }
    }

    private static void neuronsWereRankedByWhatTheyDo(Path pruned) throws Exception {
        JsonNode report =
                new ObjectMapper().readTree(pruned.resolve("neuron-report.json").toFile());
        assertThat(report.get("importance").asText()).isEqualTo("activations");
        assertThat(ModelConfig.parse(pruned.resolve("config.json")).feedForwardSize())
                .isEqualTo(SmallCheckpoint.FEED_FORWARD * 3 / 4);
    }

    /** By what the topics say must stay: all that is there but one result, and nothing that is younger. */
    private void collectGarbage(ArtifactStore store, String address, String kafka) throws Exception {
        JobResult garbage = AgedStore.addGarbage(store, folder.resolve("garbage"));
        CommandLine millrace = new CommandLine(folder.resolve("home"));
        String[] gc = {"store", "gc", "--kafka", kafka, "--store", address};
        assertThat(millrace.json(gc).get("blobs").asLong()).as("all is young").isZero();
        new AgedStore(SERVER.bucket(S3Proxy.BUCKET).resolve("shared")).age(Duration.ofDays(8));

        JsonNode collected = millrace.json(gc);

        assertThat(collected.get("results").asLong()).isOne();
        assertThat(collected.get("blobs").asLong()).isEqualTo(2);
        assertThat(store.result(garbage.key())).isEmpty();
        assertThat(store.isComplete(garbage.output())).isFalse();
    }

    private static List<S3Object> claims() {
        return SERVER.client()
                .listObjectsV2(list -> list.bucket(S3Proxy.BUCKET).prefix("shared/claims/"))
                .contents();
    }

    private ArtifactRef text(ArtifactStore store, long seed) throws Exception {
        Path text = Files.createDirectories(folder.resolve("text-" + seed));
        SmallCheckpoint.writeText(text.resolve("text.txt"), seed);
        return store.publishFolder(text, new TreeMap<>());
    }

    private CheckpointPublished checkpoint(ArtifactStore store) throws Exception {
        ArtifactRef weights =
                store.publishFolder(SmallCheckpoint.write(folder.resolve("checkpoint"), 1), new TreeMap<>());
        return new CheckpointPublished(
                new ModelName("small"), "1", 1, weights, NUMBERS, Optional.empty(), Map.of(), Instant.now());
    }

    private static Policy policy(ArtifactRef text, ArtifactRef calibration) {
        Step prune = new Step(
                new Parameters.Neurons(0.25, 32, Optional.of(new Parameters.Neurons.Activations(16, 128))), Device.CPU);
        Step quantize = new Step(new Parameters.Gguf("Q8_0"), Device.CPU);
        Target target = new Target(
                "phone",
                Device.CPU,
                Device.CPU,
                new TextUse(text, 80, 128, 0),
                Optional.of(new TextUse(calibration, 16, 128, 0)),
                List.of(new Recipe(List.of(prune, quantize))),
                new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.9))));
        return new Policy("shared", "*", Policy.OnNewer.KEEP, List.of(target), 1, 1);
    }
}
