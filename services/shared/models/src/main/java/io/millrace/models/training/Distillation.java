package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import io.millrace.models.CausalLanguageModel;
import io.millrace.models.LayerWatch;
import io.millrace.models.PromisedMemory;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Trains a student to predict what its teacher predicts:
 * loss = (1 − w) · T² · KL(teacher ‖ student at temperature T) + w · cross-entropy of the text.
 */
public final class Distillation implements AutoCloseable {
    private static final String STEPS = "steps";

    private final Teacher teacher;
    private final CausalLanguageModel student;
    private final DistillationSettings settings;
    private final TrainingStep step;
    private final Closeable promise;

    /**
     * Loads the student, once there is memory for it beside what other distillations of this process were promised; the
     * sources stay open, that of the teacher as long as this distillation.
     *
     * @throws io.millrace.models.NotEnoughMemoryException if this process never has so much
     */
    public static Distillation begin(
            WeightSource teacher,
            WeightSource student,
            TokenStream text,
            DistillationSettings settings,
            WorkProgress progress)
            throws IOException, InterruptedException {
        long head = (long) teacher.config().vocabularySize() * teacher.config().hiddenSize();
        int steps = settings.training().steps();
        PromisedMemory.Promise<StepMemory> memory = PromisedMemory.ofThisProcess()
                .take(
                        available -> StepMemory.ofDistillation(student.config(), head, settings.training(), available),
                        StepMemory::bytes,
                        waited -> progress.advance(
                                0,
                                steps,
                                "waits for the memory of another distillation, " + waited.toSeconds() + " s"));
        try {
            return new Distillation(teacher, student, text, settings, memory.plan(), memory);
        } catch (IOException | RuntimeException | Error problem) {
            memory.close();
            throw problem;
        }
    }

    Distillation(
            WeightSource teacher,
            WeightSource student,
            TokenStream text,
            DistillationSettings settings,
            StepMemory memory,
            Closeable promise)
            throws IOException {
        int teacherVocabulary = teacher.config().vocabularySize();
        int studentVocabulary = student.config().vocabularySize();
        if (teacherVocabulary != studentVocabulary) {
            throw new IllegalArgumentException(
                    "the teacher has a vocabulary of " + teacherVocabulary + ", the student one of " + studentVocabulary
                            + "; a student learns from a teacher of its own tokens");
        }
        this.settings = settings;
        this.promise = promise;
        this.teacher = new Teacher(teacher, text, settings.training());
        try {
            this.student = CausalLanguageModel.load(student);
            try {
                step = new TrainingStep(
                        this.student,
                        settings.training().optimizer(),
                        settings.training().steps(),
                        settings.keptZeros(),
                        memory);
            } catch (RuntimeException | Error problem) {
                this.student.close();
                throw problem;
            }
        } catch (IOException | RuntimeException | Error problem) {
            this.teacher.close();
            throw problem;
        }
    }

    /** The student; its weights are what {@link CausalLanguageModel#weights} writes. */
    public CausalLanguageModel student() {
        return student;
    }

    /** Matrices whose zeros are kept. */
    public int maskedMatrices() {
        return step.optimizer().maskedMatrices();
    }

    /** Steps done so far, those before a resume included. */
    public long done() {
        return step.done();
    }

    /**
     * From here to the last step. An interrupt ends it between two layers, without the step that was begun.
     *
     * @param progress told of steps and, inside a step, of layers
     */
    public void run(StepListener listener, WorkProgress progress) throws IOException, InterruptedException {
        int steps = settings.training().steps();
        while (step.done() < steps) {
            StepReport report = next(
                    (done, total, what) -> progress.advance(
                            step.done(), steps, STEPS + "; " + what + " of the teacher, " + done + " of " + total),
                    progress.layers(step.done(), steps, STEPS + "; student"));
            listener.done(report);
            progress.advance(step.done(), steps, STEPS);
        }
    }

    /** One step on the next batch of the text. */
    public StepReport next() throws IOException, InterruptedException {
        return next(WorkProgress.NONE, LayerWatch.NONE);
    }

    private <E extends Exception> StepReport next(WorkProgress teacherProgress, LayerWatch<E> studentLayers)
            throws IOException, InterruptedException, E {
        long number = step.done() + 1;
        teacher.prepare(number, teacherProgress);
        int[][] batch = teacher.batch(number);
        try (NDManager work = TensorRuntime.start().scope()) {
            NDArray next = Losses.next(work, batch);
            NDArray told = teacher.states(number, work);
            return step.run(
                    work,
                    Losses.shown(batch),
                    (logits, from, to) -> loss(logits, told.get(new NDIndex().addSliceDim(from, to)), next, from, to),
                    studentLayers);
        }
    }

    private TrainingStep.Loss loss(NDArray logits, NDArray told, NDArray next, int from, int to) {
        double weight = settings.crossEntropyWeight();
        told.attach(logits.getManager());
        NDArray wanted = wanted(told);
        NDArray divergence = Losses.divergence(wanted, logits, settings.temperature());
        if (weight == 0) {
            return new TrainingStep.Loss(divergence, null, divergence);
        }
        NDArray crossEntropy = Losses.crossEntropy(logits, next, from, to);
        NDArray total = Losses.scaled(divergence, 1 - weight).add(Losses.scaled(crossEntropy, weight));
        return new TrainingStep.Loss(total, crossEntropy, divergence);
    }

    private NDArray wanted(NDArray told) {
        try (NDArray logits = teacher.logits(told)) {
            return Losses.softened(logits, settings.temperature());
        }
    }

    /** The student's weights, the moments and the count, for {@link #resume}. */
    public void saveState(Path folder) throws IOException {
        TrainingState.save(folder, student, step);
    }

    /** Continues where {@link #saveState} was called; teacher, text and settings must be the same. */
    public void resume(Path folder) throws IOException {
        TrainingState.restore(folder, student, step);
    }

    @Override
    public void close() throws IOException {
        step.close();
        student.close();
        teacher.close();
        promise.close();
    }
}
