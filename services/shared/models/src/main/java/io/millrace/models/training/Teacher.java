package io.millrace.models.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.models.LayerwisePass;
import io.millrace.models.LogitHead;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import io.millrace.models.WorkProgress;
import io.millrace.tensors.WeightSource;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * What a teacher says of the batches of a training. It is never whole in memory: the batches of some steps pass through its
 * layers ahead, one layer after another, and only their last hidden states and the head are kept.
 */
final class Teacher implements AutoCloseable {
    /** Steps ahead, at most: each look ahead reads the whole teacher, and is lost if the process dies. */
    private static final int STEPS_AT_ONCE = 16;

    private static final long STATES_AT_ONCE = 256L << 20; // bytes

    private final WeightSource source;
    private final TokenStream text;
    private final TrainingSettings training;
    private final NDManager scope;
    private final LogitHead head;
    private final Map<Long, NDArray> states = new HashMap<>(); // by step, [batch · length, hidden]

    /** @param source stays open as long as this teacher teaches */
    Teacher(WeightSource source, TokenStream text, TrainingSettings training) throws IOException {
        this.source = source;
        this.text = text;
        this.training = training;
        scope = TensorRuntime.start().scope();
        try {
            head = LogitHead.load(source, scope);
        } catch (IOException | RuntimeException | Error problem) {
            scope.close();
            throw problem;
        }
    }

    /** The batch of a step, token ids [batch][length]. */
    int[][] batch(long step) {
        return text.batch(training.seed(), step, training.batch(), training.length());
    }

    /** Looks ahead if the states of this step are not there yet. */
    void prepare(long step, WorkProgress progress) throws IOException, InterruptedException {
        if (states.containsKey(step)) {
            return;
        }
        long last = Math.min(training.steps(), step + stepsAtOnce() - 1);
        int[][][] shown = LongStream.rangeClosed(step, last)
                .mapToObj(one -> Losses.shown(batch(one)))
                .toArray(int[][][]::new);
        try (NDManager inner = scope.newSubManager()) {
            NDArray[] hidden = new LayerwisePass(source, inner, shown).finish(progress);
            for (int i = 0; i < hidden.length; i++) {
                NDArray rows = hidden[i].reshape(-1, source.config().hiddenSize());
                rows.attach(scope);
                NDArray old = states.put(step + i, rows);
                if (old != null) {
                    old.close();
                }
            }
        }
    }

    /** Of a step that was prepared, once: last hidden states [batch · length, hidden], in this scope from now on. */
    NDArray states(long step, NDManager work) {
        NDArray rows = Objects.requireNonNull(states.remove(step), "a step that was not prepared");
        rows.attach(work);
        return rows;
    }

    /** states [positions, hidden] → logits [positions, vocabulary]. */
    NDArray logits(NDArray rows) {
        return head.apply(rows);
    }

    private int stepsAtOnce() {
        long bytes = (long) training.batch()
                * (training.length() - 1)
                * source.config().hiddenSize()
                * Float.BYTES;
        return Math.toIntExact(Math.clamp(STATES_AT_ONCE / bytes, 1, STEPS_AT_ONCE));
    }

    @Override
    public void close() {
        scope.close();
    }
}
