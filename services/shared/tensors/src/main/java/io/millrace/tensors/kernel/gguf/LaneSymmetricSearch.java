package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarSymmetricSearch} for many sub-blocks at once, one per lane, and the improvement of codes that Q3_K makes
 * instead of trials. Element i of sub-block j lies at [COLUMNS · i + j].
 */
final class LaneSymmetricSearch {
    private static final int COLUMNS = LanePass.COLUMNS;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    /** Where each number per column begins in {@code rows}. */
    private static final int LARGEST = 0;

    private static final int SCALE = COLUMNS;
    private static final int BEST = 2 * COLUMNS;
    private static final int INVERSE = 3 * COLUMNS;
    private static final int SUM_XL = 4 * COLUMNS;
    private static final int SUM_LL = 5 * COLUMNS;
    private static final int CODE_INVERSE = 6 * COLUMNS;
    private static final int SUM_W = 7 * COLUMNS;
    private static final int VARIANCE = 8 * COLUMNS;

    private static final List<LanePass<State>> SQUARES = List.of(LaneSymmetricSearch::squares);
    private static final List<LanePass<State>> SPREAD = List.of(LaneSymmetricSearch::spread);
    private static final List<LanePass<State>> FIRST = List.of(
            LaneSymmetricSearch::prepare,
            LaneSymmetricSearch::invert,
            LaneSymmetricSearch::sums,
            LaneSymmetricSearch::begin);
    private static final List<LanePass<State>> TRIALS = List.of(LaneSymmetricSearch::trials);
    private static final List<LanePass<State>> IMPROVE = List.of(LaneSymmetricSearch::improve);
    private static final List<LanePass<State>> IMPROVED = List.of(LaneSymmetricSearch::improved);
    private static final List<LanePass<State>> END = List.of(LaneSymmetricSearch::finish);
    private static final List<LanePass<State>> TRIED = List.of(LaneSymmetricSearch::tried);
    private static final List<LanePass<State>> KEPT = List.of(LaneSymmetricSearch::kept);

    private final State state;
    private List<LanePass<State>> searched = TRIED;
    private int columns = COLUMNS;

    /** What the passes share: numbers x, weights w, w · x, codes l of the present trial, and sums per column. */
    private static final class State {
        private final float[] x;
        private final float[] w;
        private final float[] wx;
        private final float[] l;
        private final float[] rows = new float[9 * COLUMNS];
        private final int[] codes;
        private final int half;
        private final int end;
        private float numerator;
        /** Whether the last improvement changed a code in the vector that begins at a column. */
        private final boolean[] changed = new boolean[COLUMNS];

        State(int half, int elements) {
            this.half = half;
            this.end = elements * COLUMNS;
            this.x = new float[end];
            this.w = new float[end];
            this.wx = new float[end];
            this.l = new float[end];
            this.codes = new int[end];
        }
    }

    /** @param elements of a sub-block */
    LaneSymmetricSearch(ScalarSymmetricSearch search, int elements) {
        this.state = new State(search.half(), elements);
    }

    /** Where the caller puts the columns. */
    float[] columns() {
        return state.x;
    }

    /** Where the caller puts the importances, in columns. */
    float[] importances() {
        return state.w;
    }

    /** How many columns are in use, from the first on. */
    void use(int columns) {
        this.columns = columns;
    }

    /** Weighs each element by its square. */
    void weighBySquares() {
        LanePass.runAll(SQUARES, state, columns);
    }

    /** Weighs each element by its importance times the root of its column's variance and its square. */
    void weighByImportance() {
        LanePass.runAll(SPREAD, state, columns);
    }

    /** Sets the variance of what columns [from, to) belong to. */
    void variance(int from, int to, float variance) {
        java.util.Arrays.fill(state.rows, VARIANCE + from, VARIANCE + to, variance);
    }

    /** Finds a scale for each column by trials. */
    void run() {
        state.numerator = -state.half;
        LanePass.runAll(FIRST, state, columns);
        LanePass.runAll(TRIALS, state, columns);
        LanePass.runAll(END, state, columns);
        searched = TRIED;
    }

    /** Finds a scale for each column by changing one code at a time; a column without a change stays as it is. */
    void runByImproving(int passes) {
        state.numerator = -state.half;
        LanePass.runAll(FIRST, state, columns);
        java.util.Arrays.fill(state.changed, true);
        for (int pass = 0; pass < passes; pass++) {
            LanePass.runAll(IMPROVE, state, columns);
        }
        LanePass.runAll(IMPROVED, state, columns);
        LanePass.runAll(END, state, columns);
        searched = KEPT;
    }

    /** Copies out the scale found for each column. */
    void scales(float[] target) {
        System.arraycopy(state.rows, SCALE, target, 0, COLUMNS);
    }

    /** Copies out the sum of the weights of each column. */
    void sums(float[] target) {
        System.arraycopy(state.rows, SUM_W, target, 0, COLUMNS);
    }

    /** The codes of the search, in columns. */
    int[] codes() {
        LanePass.runAll(searched, state, columns);
        return state.codes;
    }

    private static void squares(State state, int lane) {
        int end = state.end;
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            value.mul(value).intoArray(state.w, i);
        }
    }

    private static void spread(State state, int lane) {
        int end = state.end;
        FloatVector variance = FloatVector.fromArray(S, state.rows, VARIANCE + lane);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            FloatVector root = variance.add(value.mul(value)).lanewise(VectorOperators.SQRT);
            FloatVector.fromArray(S, state.w, i).mul(root).intoArray(state.w, i);
        }
    }

    private static void prepare(State state, int lane) {
        int end = state.end;
        FloatVector magnitude = FloatVector.zero(S);
        FloatVector largest = FloatVector.zero(S);
        FloatVector sumW = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            FloatVector weight = FloatVector.fromArray(S, state.w, i);
            VectorMask<Float> larger = value.abs().compare(VectorOperators.GT, magnitude);
            magnitude = magnitude.blend(value.abs(), larger);
            largest = largest.blend(value, larger);
            sumW = sumW.add(weight);
            weight.mul(value).intoArray(state.wx, i);
        }
        largest.intoArray(state.rows, LARGEST + lane);
        sumW.intoArray(state.rows, SUM_W + lane);
    }

    private static void invert(State state, int lane) {
        FloatVector.broadcast(S, state.numerator)
                .div(FloatVector.fromArray(S, state.rows, LARGEST + lane))
                .intoArray(state.rows, INVERSE + lane);
    }

    private static void sums(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] wx = state.wx;
        float[] l = state.l;
        int low = -state.half;
        int high = state.half - 1;
        FloatVector inverse = FloatVector.fromArray(S, state.rows, INVERSE + lane);
        FloatVector sumXL = FloatVector.zero(S);
        FloatVector sumLL = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector code = LaneRounding.nearestAsFloat(inverse.mul(FloatVector.fromArray(S, x, i)), low, high);
            code.intoArray(l, i);
            sumXL = sumXL.add(FloatVector.fromArray(S, wx, i).mul(code));
            sumLL = sumLL.add(FloatVector.fromArray(S, w, i).mul(code).mul(code));
        }
        sumXL.intoArray(state.rows, SUM_XL + lane);
        sumLL.intoArray(state.rows, SUM_LL + lane);
    }

    private static void begin(State state, int lane) {
        float[] rows = state.rows;
        FloatVector sumXL = FloatVector.fromArray(S, rows, SUM_XL + lane);
        FloatVector sumLL = FloatVector.fromArray(S, rows, SUM_LL + lane);
        FloatVector scale = sumXL.div(sumLL).blend(0f, sumLL.compare(VectorOperators.EQ, 0f));
        scale.intoArray(rows, SCALE + lane);
        scale.mul(sumXL).intoArray(rows, BEST + lane);
        FloatVector.fromArray(S, rows, INVERSE + lane).intoArray(rows, CODE_INVERSE + lane);
    }

    /** All trials but the first in one pass, since each is shorter than a call. */
    private static void trials(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] wx = state.wx;
        float[] rows = state.rows;
        int half = state.half;
        FloatVector largest = FloatVector.fromArray(S, rows, LARGEST + lane);
        FloatVector best = FloatVector.fromArray(S, rows, BEST + lane);
        FloatVector scale = FloatVector.fromArray(S, rows, SCALE + lane);
        FloatVector codeInverse = FloatVector.fromArray(S, rows, CODE_INVERSE + lane);
        for (int trial = 1; trial < ScalarSymmetricSearch.TRIALS; trial++) {
            float numerator = -(half + 0.1f * ScalarSymmetricSearch.tenths(trial));
            FloatVector inverse = FloatVector.broadcast(S, numerator).div(largest);
            FloatVector sumXL = FloatVector.zero(S);
            FloatVector sumLL = FloatVector.zero(S);
            for (int i = lane; i < end; i += COLUMNS) {
                FloatVector code =
                        LaneRounding.nearestAsFloat(inverse.mul(FloatVector.fromArray(S, x, i)), -half, half - 1);
                sumXL = sumXL.add(FloatVector.fromArray(S, wx, i).mul(code));
                sumLL = sumLL.add(FloatVector.fromArray(S, w, i).mul(code).mul(code));
            }
            VectorMask<Float> better = sumLL.compare(VectorOperators.GT, 0f)
                    .and(sumXL.mul(sumXL).compare(VectorOperators.GT, best.mul(sumLL)));
            FloatVector fitted = sumXL.div(sumLL);
            best = best.blend(fitted.mul(sumXL), better);
            scale = scale.blend(fitted, better);
            codeInverse = codeInverse.blend(inverse, better);
        }
        best.intoArray(rows, BEST + lane);
        scale.intoArray(rows, SCALE + lane);
        codeInverse.intoArray(rows, CODE_INVERSE + lane);
    }

    /**
     * Most elements stay as they are. A branch on that, which the processor foretells, frees the next element from waiting
     * for the division of this one.
     */
    private static void improve(State state, int lane) {
        if (!state.changed[lane]) {
            return;
        }
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] wx = state.wx;
        float[] l = state.l;
        int low = -state.half;
        int high = state.half - 1;
        FloatVector sumXL = FloatVector.fromArray(S, state.rows, SUM_XL + lane);
        FloatVector sumLL = FloatVector.fromArray(S, state.rows, SUM_LL + lane);
        boolean changed = false;
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector weight = FloatVector.fromArray(S, w, i);
            FloatVector weighted = FloatVector.fromArray(S, wx, i);
            FloatVector code = FloatVector.fromArray(S, l, i);
            FloatVector xl = sumXL.sub(weighted.mul(code));
            FloatVector ll = sumLL.sub(weight.mul(code).mul(code));
            FloatVector trial = LaneRounding.nearestAsFloat(
                    FloatVector.fromArray(S, x, i).mul(ll).div(xl), low, high);
            VectorMask<Float> other = xl.compare(VectorOperators.GT, 0f).and(trial.compare(VectorOperators.NE, code));
            if (!other.anyTrue()) {
                continue;
            }
            xl = xl.add(weighted.mul(trial));
            ll = ll.add(weight.mul(trial).mul(trial));
            VectorMask<Float> better = other.and(ll.compare(VectorOperators.GT, 0f))
                    .and(xl.mul(xl)
                            .mul(sumLL)
                            .compare(VectorOperators.GT, sumXL.mul(sumXL).mul(ll)));
            if (better.anyTrue()) {
                code.blend(trial, better).intoArray(l, i);
                sumXL = sumXL.blend(xl, better);
                sumLL = sumLL.blend(ll, better);
                changed = true;
            }
        }
        state.changed[lane] = changed;
        sumXL.intoArray(state.rows, SUM_XL + lane);
        sumLL.intoArray(state.rows, SUM_LL + lane);
    }

    /** The scale that the improved codes give. */
    private static void improved(State state, int lane) {
        FloatVector sumXL = FloatVector.fromArray(S, state.rows, SUM_XL + lane);
        FloatVector sumLL = FloatVector.fromArray(S, state.rows, SUM_LL + lane);
        FloatVector.zero(S)
                .blend(sumXL.div(sumLL), sumLL.compare(VectorOperators.GT, 0f))
                .intoArray(state.rows, SCALE + lane);
    }

    private static void replace(float[] rows, int at, FloatVector value, VectorMask<Float> where) {
        FloatVector.fromArray(S, rows, at).blend(value, where).intoArray(rows, at);
    }

    /** A sub-block of tiny numbers has scale 0. */
    private static void finish(State state, int lane) {
        replace(state.rows, SCALE + lane, FloatVector.zero(S), tiny(state.rows, lane));
    }

    private static VectorMask<Float> tiny(float[] rows, int lane) {
        return FloatVector.fromArray(S, rows, LARGEST + lane)
                .abs()
                .compare(VectorOperators.LT, ScalarSymmetricSearch.TINY);
    }

    /** The codes of the best trial, computed again from the scale that gave them; 0 for tiny numbers. */
    private static void tried(State state, int lane) {
        int end = state.end;
        int half = state.half;
        FloatVector inverse = FloatVector.fromArray(S, state.rows, CODE_INVERSE + lane);
        VectorMask<Integer> zero = tiny(state.rows, lane).cast(Lanes.INTS);
        for (int i = lane; i < end; i += COLUMNS) {
            LaneRounding.nearest(inverse.mul(FloatVector.fromArray(S, state.x, i)), -half, half - 1)
                    .add(half)
                    .blend(0, zero)
                    .intoArray(state.codes, i);
        }
    }

    /** The codes as they were improved; 0 for tiny numbers. */
    private static void kept(State state, int lane) {
        int end = state.end;
        int half = state.half;
        VectorMask<Integer> zero = tiny(state.rows, lane).cast(Lanes.INTS);
        for (int i = lane; i < end; i += COLUMNS) {
            LaneRounding.nearest(FloatVector.fromArray(S, state.l, i), -half, half - 1)
                    .add(half)
                    .blend(0, zero)
                    .intoArray(state.codes, i);
        }
    }
}
