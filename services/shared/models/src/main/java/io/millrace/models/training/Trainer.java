package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import java.io.IOException;
import java.nio.file.Path;

/** Next-token training of a model in place. The model stays the caller's; closing the trainer leaves it as trained. */
public final class Trainer implements AutoCloseable {
    private final CausalLanguageModel model;
    private final TokenStream text;
    private final TrainingSettings settings;
    private final TrainingStep step;

    public Trainer(CausalLanguageModel model, TokenStream text, TrainingSettings settings) {
        this.model = model;
        this.text = text;
        this.settings = settings;
        step = new TrainingStep(model, settings.optimizer(), settings.steps(), KeptZeros.NONE);
    }

    /** Steps done so far, those before a resume included. */
    public long done() {
        return step.done();
    }

    /** From here to the last step; an interrupt ends it between two steps. */
    public void run(StepListener listener) throws IOException, InterruptedException {
        while (step.done() < settings.steps()) {
            if (Thread.interrupted()) {
                throw new InterruptedException("training interrupted after step " + step.done());
            }
            listener.done(next());
        }
    }

    /** One step on the next batch of the text. */
    public StepReport next() {
        int[][] batch = text.batch(settings.seed(), step.done() + 1, settings.batch(), settings.length());
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            TrainingStep.Objective objective = logits -> {
                NDArray loss = Losses.crossEntropy(logits, next);
                return new TrainingStep.Loss(loss, loss, null);
            };
            return step.run(work, Losses.shown(batch), objective, LayerWatch.NONE);
        }
    }

    /** Weights, moments and the count, for {@link #resume}. */
    public void saveState(Path folder) throws IOException {
        TrainingState.save(folder, model, step);
    }

    /** Continues where {@link #saveState} was called; the settings must be the same. */
    public void resume(Path folder) throws IOException {
        TrainingState.restore(folder, model, step);
    }

    /** Adam's first moment of a weight. */
    float[] firstMoment(String weight) {
        NDArray moment = step.optimizer().firstMoments().get(weight);
        if (moment == null) {
            throw new IllegalArgumentException("no weight '" + weight + "'");
        }
        return moment.toFloatArray();
    }

    @Override
    public void close() {
        step.close();
    }
}
