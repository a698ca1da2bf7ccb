package io.millrace.cli.demo;

import io.millrace.benchmarker.BenchmarkStage;
import io.millrace.distiller.DistillStage;
import io.millrace.events.Device;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters;
import io.millrace.events.Recipe;
import io.millrace.events.Role;
import io.millrace.events.Step;
import io.millrace.events.policy.PolicyDraft;
import io.millrace.events.policy.PolicyFile;
import io.millrace.events.policy.PolicyInputs;
import io.millrace.events.policy.RecipeDraft;
import io.millrace.events.policy.TargetDraft;
import io.millrace.pruner.PruneStage;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.worker.Stage;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the demo of one seed measures, for every rung of every ladder and not only for those that its gates let it try:
 * the same texts, training and stages with the same parameters, without Kafka and without speeds.
 */
final class DemoRungs {
    private final Path folder;
    private final long seed;
    private final Path evaluation;
    private final Path distill;
    private final PolicyDraft policy;

    /** @param rung counted from 1 */
    record Measured(
            long seed, long trainingStep, TargetDraft target, int rung, String recipe, List<Measurement> evidence) {}

    DemoRungs(Path folder, long seed) throws Exception {
        this.folder = folder;
        this.seed = seed;
        policy = PolicyFile.parse(DemoTexts.write(folder, seed));
        evaluation = alone(DemoPolicy.EVALUATION_FILE);
        distill = alone(DemoPolicy.DISTILL_FILE);
    }

    /** A text as a stage gets it: the one file of a folder. */
    private Path alone(String file) throws Exception {
        Path own = Files.createDirectories(folder.resolve("texts-" + file));
        Files.copy(folder.resolve(file), own.resolve(file));
        return own;
    }

    List<Measured> measure() throws Exception {
        List<Path> checkpoints = new ArrayList<>();
        new StoryTraining(folder, seed)
                .run(DemoTexts.training(seed), (checkpoint, step) -> checkpoints.add(checkpoint));
        List<Measured> all = new ArrayList<>();
        for (int i = 0; i < checkpoints.size(); i++) {
            Map<Recipe, List<Measurement>> known = new HashMap<>();
            for (TargetDraft target : policy.targets()) {
                for (RecipeDraft draft : target.ladder()) {
                    Recipe recipe = draft.resolve(PolicyInputs.UNSTORED);
                    List<Measurement> evidence = known.get(recipe);
                    if (evidence == null) {
                        evidence = candidate(checkpoints.get(i), recipe, "candidate-" + i + "-" + known.size());
                        known.put(recipe, evidence);
                    }
                    all.add(new Measured(
                            seed,
                            StoryTraining.CHECKPOINT_STEPS.get(i),
                            target,
                            target.ladder().indexOf(draft) + 1,
                            recipe.summary(),
                            evidence));
                }
            }
        }
        return all;
    }

    private List<Measurement> candidate(Path original, Recipe recipe, String name) throws Exception {
        Path model = original;
        for (Step step : recipe.steps()) {
            Path work = folder.resolve(name + "-" + step.parameters().stage().wireName());
            model = switch (step.parameters()) {
                case Parameters.Prune prune -> run(new PruneStage(), prune, Map.of(Role.MODEL, model), work, 0);
                case Parameters.Distill distillation ->
                    run(
                            new DistillStage(),
                            distillation,
                            Map.of(Role.MODEL, model, Role.ORIGINAL, original, Role.CALIBRATION_TEXT, distill),
                            work,
                            policy.calibration().orElseThrow().seed());
                case Parameters.Quantize quantize ->
                    run(new QuantizeStage(), quantize, Map.of(Role.MODEL, model), work, 0);
                case Parameters.Benchmark benchmark ->
                    throw new IllegalStateException(benchmark.name() + " is no step of a recipe");
            };
        }
        Parameters.Quality quality = new Parameters.Quality(
                policy.evaluation().sequences(), policy.evaluation().length());
        return new BenchmarkStage()
                .run(
                        new StageInput<>(
                                Map.of(Role.MODEL, model, Role.ORIGINAL, original, Role.EVALUATION_TEXT, evaluation),
                                quality,
                                0,
                                Device.CPU),
                        workspace(folder.resolve(name + "-quality")))
                .measurements();
    }

    private static <P extends Parameters> Path run(
            Stage<P> stage, P parameters, Map<Role, Path> inputs, Path work, long seed) throws Exception {
        return stage.run(new StageInput<>(inputs, parameters, seed, Device.CPU), workspace(work))
                .folder();
    }

    private static Workspace workspace(Path work) throws Exception {
        Files.createDirectories(work);
        return new Workspace() {
            @Override
            public Path folder() {
                return work;
            }

            @Override
            public void progress(long done, long total, String message) {}
        };
    }
}
