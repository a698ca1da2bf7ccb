package io.millrace.models.speed;

import io.millrace.models.AvailableMemory;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.KeyValueCache;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.util.function.LongSupplier;

/** Speed of dense models in this process's tensor engine, with a key-value cache. */
public final class GenerationSpeed {
    private GenerationSpeed() {}

    /**
     * @param nanoClock a monotonic clock, e.g. {@code System::nanoTime}
     * @param progress told of each layer, within the time that is measured: it must be cheap
     */
    public static SpeedReport measure(
            WeightSource original,
            WeightSource candidate,
            SpeedPlan plan,
            LongSupplier nanoClock,
            WorkProgress progress)
            throws IOException, InterruptedException {
        TensorRuntime runtime = TensorRuntime.start();
        if (plan.threads() != runtime.threads()) {
            throw new IllegalArgumentException(
                    "the plan asks for " + plan.threads() + " threads but the tensor engine of" + " this process runs "
                            + runtime.threads() + "; set MILLRACE_TENSOR_THREADS");
        }
        try (Loaded first = new Loaded(original, plan)) {
            progress.advance(0, plan.tokens(), "original loaded");
            try (Loaded second = new Loaded(candidate, plan)) {
                SpeedRun.Runs runs = SpeedRun.alternate(first, second, plan, nanoClock, progress);
                return new SpeedReport(runtime.description(), plan, runs.original(), runs.candidate());
            }
        }
    }

    private static final class Loaded implements SpeedRun.Subject, AutoCloseable {
        private final CausalLanguageModel model;
        private final KeyValueCache cache;

        Loaded(WeightSource source, SpeedPlan plan) throws IOException {
            long bytes = Float.BYTES
                    * source.tensors().stream()
                            .mapToLong(tensor -> tensor.shape().elements())
                            .sum();
            AvailableMemory.require(
                    bytes, TensorRuntime.start().availableMemory(), "run a model whole, all weights in F32");
            model = CausalLanguageModel.load(source);
            try {
                cache = model.cache(plan.contextLength());
            } catch (RuntimeException | Error problem) {
                model.close();
                throw problem;
            }
        }

        @Override
        public int vocabularySize() {
            return model.config().vocabularySize();
        }

        @Override
        public void clear() {
            cache.clear();
        }

        @Override
        public void feed(int[] tokens, LayerWatch<InterruptedException> watch) throws InterruptedException {
            model.greedy(tokens, cache, watch);
        }

        @Override
        public void close() {
            cache.close();
            model.close();
        }
    }
}
