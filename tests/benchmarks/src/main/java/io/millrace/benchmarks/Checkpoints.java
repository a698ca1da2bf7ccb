package io.millrace.benchmarks;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Gate;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Manifest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Checkpoints that nobody trained and the policy for them: recipes of one step. */
public record Checkpoints(ArtifactStore store, ArtifactRef text, Manifest.Entry file) {
    private static final String MODELS = "idle-";
    private static final List<String> TYPES = List.of("Q8_0", "Q6_K", "Q4_0");
    private static final ModelNumbers NUMBERS =
            new ModelNumbers("LlamaForCausalLM", 2_000_000, 256, 256, 1024, 2, 4, 2, 512, "BF16");

    public static Checkpoints in(ArtifactStore store) throws IOException {
        byte[] content = "weights".getBytes(StandardCharsets.UTF_8);
        Digest digest = store.put(content);
        Manifest.Entry file = new Manifest.Entry("model.txt", content.length, digest, "text/plain");
        ArtifactRef text = store.publish(new Manifest(List.of(file), new TreeMap<>()));
        return new Checkpoints(store, text, file);
    }

    /** One recipe of one step for each target; no two targets share a job. */
    public Policy policy(int targets) {
        if (targets > TYPES.size()) {
            throw new IllegalArgumentException("at most " + TYPES.size() + " targets, found " + targets);
        }
        return new Policy(
                "idle",
                MODELS + "*",
                Policy.OnNewer.KEEP,
                TYPES.subList(0, targets).stream().map(this::target).toList(),
                1,
                1);
    }

    private Target target(String type) {
        return new Target(
                "target-" + type.toLowerCase(Locale.ROOT).replace('_', '-'),
                Device.CPU,
                Device.CPU,
                new TextUse(text, 64, 256, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf(type), Device.CPU)))),
                new Gate(List.of(IdleStage.LIMIT)));
    }

    /** Each has its own weights as far as its digest goes, so that no job is answered from the store. */
    public ArtifactRef weights(int number) throws IOException {
        return store.publish(new Manifest(List.of(file), new TreeMap<>(Map.of("number", Integer.toString(number)))));
    }

    public static CheckpointPublished event(int model, int version, ArtifactRef weights) {
        return new CheckpointPublished(
                new ModelName(MODELS + model),
                Integer.toString(version),
                version,
                weights,
                NUMBERS,
                Optional.empty(),
                Map.of(),
                Instant.now());
    }
}
