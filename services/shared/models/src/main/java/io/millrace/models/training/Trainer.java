package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;

/** Next-token training of a model in place. The model stays the caller's; closing the trainer leaves it as trained. */
public final class Trainer implements AutoCloseable {
    private final TokenStream text;
    private final TrainingSettings settings;
    private final TrainingStep step;

    public Trainer(CausalLanguageModel model, TokenStream text, TrainingSettings settings) {
        this.text = text;
        this.settings = settings;
        step = new TrainingStep(
                model, settings.optimizer(), settings.steps(), KeptZeros.NONE, StepMemory.plenty(model.config()));
    }

    /** Steps done so far. */
    public long done() {
        return step.done();
    }

    /** One step on the next batch of the text. */
    public StepReport next() {
        int[][] batch = text.batch(settings.seed(), step.done() + 1, settings.batch(), settings.length());
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            TrainingStep.Objective objective = (logits, from, to) -> {
                NDArray loss = Losses.crossEntropy(logits, next, from, to);
                return new TrainingStep.Loss(loss, loss, null);
            };
            return step.run(work, Losses.shown(batch), objective, LayerWatch.NONE);
        }
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
