package io.millrace.conductor;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Checkpoints, targets and policies for tests. */
public final class Given {
    public static final Instant START = Instant.parse("2026-03-01T12:00:00Z");
    public static final ModelName MODEL = new ModelName("chat-small");
    public static final Device CPU = Device.CPU;
    public static final Device H100 = new Device("h100");

    private static final ModelNumbers NUMBERS =
            new ModelNumbers("LlamaForCausalLM", 2_000_000, 256, 256, 1024, 2, 4, 2, 512, "BF16");

    private Given() {}

    public static ArtifactRef artifact(String content) {
        return ArtifactRef.inStore(Digest.of(content));
    }

    public static CheckpointPublished checkpoint(String version) {
        return checkpoint(MODEL, version, START);
    }

    public static CheckpointPublished checkpoint(ModelName model, String version, Instant publishedAt) {
        return new CheckpointPublished(
                model, version, 1, artifact(model + " " + version), NUMBERS, Optional.empty(), Map.of(), publishedAt);
    }

    public static CheckpointPublished withWeights(CheckpointPublished checkpoint, String content) {
        return new CheckpointPublished(
                checkpoint.model(),
                checkpoint.version(),
                checkpoint.step(),
                artifact(content),
                checkpoint.numbers(),
                checkpoint.parent(),
                checkpoint.labels(),
                checkpoint.publishedAt());
    }

    public static CheckpointPublished withParameters(CheckpointPublished checkpoint, long parameters) {
        ModelNumbers numbers = checkpoint.numbers();
        return new CheckpointPublished(
                checkpoint.model(),
                checkpoint.version(),
                checkpoint.step(),
                checkpoint.artifact(),
                new ModelNumbers(
                        numbers.architecture(),
                        parameters,
                        numbers.vocabularySize(),
                        numbers.hiddenSize(),
                        numbers.feedForwardSize(),
                        numbers.layerCount(),
                        numbers.headCount(),
                        numbers.keyValueHeadCount(),
                        numbers.maxPositions(),
                        numbers.dtype()),
                checkpoint.parent(),
                checkpoint.labels(),
                checkpoint.publishedAt());
    }

    public static Recipe recipe(Parameters... steps) {
        return recipe(CPU, steps);
    }

    public static Recipe recipe(Device device, Parameters... steps) {
        return new Recipe(
                Arrays.stream(steps).map(step -> new Step(step, device)).toList());
    }

    public static Parameters gguf(String type) {
        return new Parameters.Gguf(type);
    }

    public static Parameters neurons() {
        return new Parameters.Neurons(0.25, 256);
    }

    public static Parameters distill() {
        return new Parameters.Distill(60, 4, 128, 2, 0, 1e-3, false);
    }

    /** Perplexity may grow by 5 %. */
    public static Limit quality() {
        return new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 0.05);
    }

    public static Limit faster() {
        return new Limit(Metric.GENERATION_SPEEDUP, Limit.Comparison.AT_LEAST, 1.2);
    }

    public static Target target(String name, Recipe... ladder) {
        return target(name, CPU, List.of(quality()), ladder);
    }

    public static Target target(String name, Device device, List<Limit> limits, Recipe... ladder) {
        return new Target(
                name,
                device,
                CPU,
                new TextUse(artifact("evaluation"), 64, 256, 0),
                Optional.of(new TextUse(artifact("calibration"), 32, 256, 7)),
                List.of(ladder),
                new Gate(limits));
    }

    public static Policy policy(Target... targets) {
        return policy(Policy.OnNewer.KEEP, 1, targets);
    }

    public static Policy policy(Policy.OnNewer onNewer, long revision, Target... targets) {
        return new Policy("chat-models", "chat-*", onNewer, List.of(targets), revision, 1);
    }
}
