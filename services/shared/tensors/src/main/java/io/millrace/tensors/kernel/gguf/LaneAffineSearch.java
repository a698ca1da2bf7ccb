package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarAffineSearch} for many sub-blocks at once: each lane holds one sub-block and sums it in the specified
 * order, so the width of the vectors changes no bit. Numbers lie in columns: element i of sub-block j at [COLUMNS · i + j].
 *
 * <p>The codes of the best trial are not kept but computed again at the end from the scale that gave them.
 */
final class LaneAffineSearch {
    static final int COLUMNS = LanePass.COLUMNS;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    /** Where each number per column begins in {@code rows}. */
    private static final int MIN = 0;

    private static final int MAX = COLUMNS;
    private static final int FIRST_MIN = 2 * COLUMNS;
    private static final int SUM_W = 3 * COLUMNS;
    private static final int SUM_X = 4 * COLUMNS;
    private static final int SCALE = 5 * COLUMNS;
    private static final int BEST = 6 * COLUMNS;
    private static final int INVERSE = 7 * COLUMNS;
    private static final int SUM_L = 8 * COLUMNS;
    private static final int SUM_LL = 9 * COLUMNS;
    private static final int SUM_XL = 10 * COLUMNS;
    private static final int DETERMINANT = 11 * COLUMNS;
    private static final int TRIAL_SCALE = 12 * COLUMNS;
    private static final int TRIAL_MIN = 13 * COLUMNS;
    private static final int CODE_INVERSE = 14 * COLUMNS;
    private static final int CODE_MIN = 15 * COLUMNS;

    private static final int ERROR = 16 * COLUMNS;
    private static final int VARIANCE = 17 * COLUMNS;

    private static final List<LanePass<State>> BEGIN = List.of(
            LaneAffineSearch::bounds, LaneAffineSearch::invert, LaneAffineSearch::encode, LaneAffineSearch::begin);
    private static final List<LanePass<State>> FIRST = List.of(LaneAffineSearch::first);
    private static final List<LanePass<State>> STEP =
            List.of(LaneAffineSearch::invert, LaneAffineSearch::sums, LaneAffineSearch::solve);
    private static final List<LanePass<State>> ACCEPT = List.of(LaneAffineSearch::accept);
    private static final List<LanePass<State>> END = List.of(LaneAffineSearch::finish);
    private static final List<LanePass<State>> SEARCHED = List.of(LaneAffineSearch::searched);

    private final ScalarAffineSearch search;
    private final State state;
    private final List<LanePass<State>> begin;
    private final List<LanePass<State>> step;
    private int columns;

    /** How the elements of a sub-block get their weights. */
    enum Weighing {
        /** The root of the sub-block's mean square, and the magnitude. */
        SPREAD,
        MAGNITUDE,
        /** The importance of the column times the root of the variance and the square. */
        IMPORTANCE
    }

    /** What the passes share: numbers x, weights w, codes l of the present trial, and sums per column. */
    private static final class State {
        private final float[] x;
        private final float[] w;
        private final float[] l;
        private final int[] codes;
        private final float[] rows = new float[18 * COLUMNS];
        private final int top;
        private final int end;
        private float numerator;

        State(int elements, int top) {
            this.end = elements * COLUMNS;
            this.x = new float[end];
            this.w = new float[end];
            this.l = new float[end];
            this.codes = new int[end];
            this.top = top;
        }
    }

    LaneAffineSearch(ScalarAffineSearch search, Weighing weighing) {
        LanePass<State> weigh = switch (weighing) {
            case SPREAD -> LaneAffineSearch::spread;
            case MAGNITUDE -> LaneAffineSearch::magnitude;
            case IMPORTANCE -> LaneAffineSearch::importance;
        };
        LanePass<State> error = search.absolute() ? LaneAffineSearch::absoluteError : LaneAffineSearch::squaredError;
        this.search = search;
        this.state = new State(search.elements(), search.top());
        this.begin = joined(List.of(List.of(weigh), BEGIN, List.of(error), FIRST));
        this.step = joined(List.of(STEP, List.of(error), ACCEPT));
    }

    private static List<LanePass<State>> joined(List<List<LanePass<State>>> parts) {
        return parts.stream().flatMap(List::stream).toList();
    }

    /** Elements of a column. */
    int elements() {
        return search.elements();
    }

    /** Where the caller puts the columns. */
    float[] columns() {
        return state.x;
    }

    /** Where the caller puts the importances, in columns; {@link #run} turns them into weights. */
    float[] importances() {
        return state.w;
    }

    /** Sets the variance of the super-block that columns [from, to) belong to. */
    void variance(int from, int to, float variance) {
        java.util.Arrays.fill(state.rows, VARIANCE + from, VARIANCE + to, variance);
    }

    /** Finds a scale and a minimum for each of the first columns. */
    void run(int columns) {
        this.columns = columns;
        state.numerator = search.top();
        LanePass.runAll(begin, state, columns);
        for (int trial = 0; trial <= search.steps(); trial++) {
            state.numerator = search.first() + search.stride() * trial + search.top();
            LanePass.runAll(step, state, columns);
        }
        LanePass.runAll(END, state, columns);
    }

    /** Copies out the scale found for each column. */
    void scales(float[] target) {
        System.arraycopy(state.rows, SCALE, target, 0, COLUMNS);
    }

    /** Copies out the sum of the weights of each column. */
    void sums(float[] target) {
        System.arraycopy(state.rows, SUM_W, target, 0, COLUMNS);
    }

    /** Copies out minus the minimum found for each column. */
    void negatedMins(float[] target) {
        for (int j = 0; j < COLUMNS; j++) {
            target[j] = -state.rows[MIN + j];
        }
    }

    /** The codes of the search, in columns. */
    int[] codes() {
        LanePass.runAll(SEARCHED, state, columns);
        return state.codes;
    }

    private static void importance(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        FloatVector variance = FloatVector.fromArray(S, state.rows, VARIANCE + lane);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            FloatVector root = variance.add(value.mul(value)).lanewise(VectorOperators.SQRT);
            FloatVector.fromArray(S, w, i).mul(root).intoArray(w, i);
        }
    }

    private static void magnitude(State state, int lane) {
        int end = state.end;
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector.fromArray(S, state.x, i).abs().intoArray(state.w, i);
        }
    }

    private static void spread(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        FloatVector squares = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            squares = squares.add(value.mul(value));
        }
        FloatVector mean = squares.div((float) end / COLUMNS).lanewise(VectorOperators.SQRT);
        for (int i = lane; i < end; i += COLUMNS) {
            mean.add(FloatVector.fromArray(S, x, i).abs()).intoArray(w, i);
        }
    }

    private static void bounds(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] rows = state.rows;
        FloatVector min = FloatVector.fromArray(S, x, lane);
        FloatVector max = min;
        FloatVector sumW = FloatVector.fromArray(S, w, lane);
        FloatVector sumX = sumW.mul(min);
        for (int i = lane + COLUMNS; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            FloatVector weight = FloatVector.fromArray(S, w, i);
            min = min.blend(value, value.compare(VectorOperators.LT, min));
            max = max.blend(value, value.compare(VectorOperators.GT, max));
            sumW = sumW.add(weight);
            sumX = sumX.add(weight.mul(value));
        }
        min = min.blend(0f, min.compare(VectorOperators.GT, 0f));
        min.intoArray(rows, MIN + lane);
        min.intoArray(rows, FIRST_MIN + lane);
        max.intoArray(rows, MAX + lane);
        sumW.intoArray(rows, SUM_W + lane);
        sumX.intoArray(rows, SUM_X + lane);
    }

    private static void invert(State state, int lane) {
        float[] rows = state.rows;
        FloatVector range = FloatVector.fromArray(S, rows, MAX + lane).sub(FloatVector.fromArray(S, rows, MIN + lane));
        FloatVector.broadcast(S, state.numerator).div(range).intoArray(rows, INVERSE + lane);
    }

    private static void encode(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] l = state.l;
        float[] rows = state.rows;
        int top = state.top;
        FloatVector inverse = FloatVector.fromArray(S, rows, INVERSE + lane);
        FloatVector min = FloatVector.fromArray(S, rows, MIN + lane);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            LaneRounding.nearestAsFloat(inverse.mul(value.sub(min)), 0, top).intoArray(l, i);
        }
    }

    private static void begin(State state, int lane) {
        float[] rows = state.rows;
        FloatVector inverse = FloatVector.fromArray(S, rows, INVERSE + lane);
        FloatVector min = FloatVector.fromArray(S, rows, MIN + lane);
        FloatVector.broadcast(S, 1f).div(inverse).intoArray(rows, TRIAL_SCALE + lane);
        min.intoArray(rows, TRIAL_MIN + lane);
        inverse.intoArray(rows, CODE_INVERSE + lane);
        min.intoArray(rows, CODE_MIN + lane);
    }

    private static void first(State state, int lane) {
        float[] rows = state.rows;
        FloatVector.fromArray(S, rows, TRIAL_SCALE + lane).intoArray(rows, SCALE + lane);
        FloatVector.fromArray(S, rows, ERROR + lane).intoArray(rows, BEST + lane);
    }

    private static void squaredError(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] l = state.l;
        FloatVector scale = FloatVector.fromArray(S, state.rows, TRIAL_SCALE + lane);
        FloatVector min = FloatVector.fromArray(S, state.rows, TRIAL_MIN + lane);
        FloatVector error = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector difference =
                    scale.mul(FloatVector.fromArray(S, l, i)).add(min).sub(FloatVector.fromArray(S, x, i));
            error = error.add(FloatVector.fromArray(S, w, i).mul(difference.mul(difference)));
        }
        error.intoArray(state.rows, ERROR + lane);
    }

    private static void absoluteError(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] l = state.l;
        FloatVector scale = FloatVector.fromArray(S, state.rows, TRIAL_SCALE + lane);
        FloatVector min = FloatVector.fromArray(S, state.rows, TRIAL_MIN + lane);
        FloatVector error = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector difference =
                    scale.mul(FloatVector.fromArray(S, l, i)).add(min).sub(FloatVector.fromArray(S, x, i));
            error = error.add(FloatVector.fromArray(S, w, i).mul(difference.abs()));
        }
        error.intoArray(state.rows, ERROR + lane);
    }

    private static void sums(State state, int lane) {
        int end = state.end;
        float[] x = state.x;
        float[] w = state.w;
        float[] l = state.l;
        float[] rows = state.rows;
        int top = state.top;
        FloatVector inverse = FloatVector.fromArray(S, rows, INVERSE + lane);
        FloatVector min = FloatVector.fromArray(S, rows, MIN + lane);
        FloatVector sumL = FloatVector.zero(S);
        FloatVector sumLL = FloatVector.zero(S);
        FloatVector sumXL = FloatVector.zero(S);
        for (int i = lane; i < end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            FloatVector code = LaneRounding.nearestAsFloat(inverse.mul(value.sub(min)), 0, top);
            code.intoArray(l, i);
            FloatVector weighted = FloatVector.fromArray(S, w, i).mul(code);
            sumL = sumL.add(weighted);
            sumLL = sumLL.add(weighted.mul(code));
            sumXL = sumXL.add(weighted.mul(value));
        }
        sumL.intoArray(rows, SUM_L + lane);
        sumLL.intoArray(rows, SUM_LL + lane);
        sumXL.intoArray(rows, SUM_XL + lane);
    }

    private static void solve(State state, int lane) {
        float[] rows = state.rows;
        FloatVector sumW = FloatVector.fromArray(S, rows, SUM_W + lane);
        FloatVector sumX = FloatVector.fromArray(S, rows, SUM_X + lane);
        FloatVector sumL = FloatVector.fromArray(S, rows, SUM_L + lane);
        FloatVector sumLL = FloatVector.fromArray(S, rows, SUM_LL + lane);
        FloatVector sumXL = FloatVector.fromArray(S, rows, SUM_XL + lane);
        FloatVector determinant = sumW.mul(sumLL).sub(sumL.mul(sumL));
        FloatVector scale = sumW.mul(sumXL).sub(sumX.mul(sumL)).div(determinant);
        FloatVector min = sumLL.mul(sumX).sub(sumL.mul(sumXL)).div(determinant);
        VectorMask<Float> positive = min.compare(VectorOperators.GT, 0f);
        determinant.intoArray(rows, DETERMINANT + lane);
        scale.blend(sumXL.div(sumLL), positive).intoArray(rows, TRIAL_SCALE + lane);
        min.blend(0f, positive).intoArray(rows, TRIAL_MIN + lane);
    }

    private static void accept(State state, int lane) {
        float[] rows = state.rows;
        FloatVector scale = FloatVector.fromArray(S, rows, TRIAL_SCALE + lane);
        FloatVector min = FloatVector.fromArray(S, rows, TRIAL_MIN + lane);
        FloatVector best = FloatVector.fromArray(S, rows, BEST + lane);
        FloatVector error = FloatVector.fromArray(S, rows, ERROR + lane);
        VectorMask<Float> better = error.compare(VectorOperators.LT, best)
                .and(FloatVector.fromArray(S, rows, DETERMINANT + lane).compare(VectorOperators.GT, 0f));
        FloatVector oldMin = FloatVector.fromArray(S, rows, MIN + lane);
        best.blend(error, better).intoArray(rows, BEST + lane);
        replace(rows, SCALE + lane, scale, better);
        replace(rows, CODE_INVERSE + lane, FloatVector.fromArray(S, rows, INVERSE + lane), better);
        replace(rows, CODE_MIN + lane, oldMin, better);
        oldMin.blend(min, better).intoArray(rows, MIN + lane);
    }

    private static void replace(float[] rows, int at, FloatVector value, VectorMask<Float> where) {
        FloatVector.fromArray(S, rows, at).blend(value, where).intoArray(rows, at);
    }

    /** A flat sub-block has scale 0 and codes 0. */
    private static void finish(State state, int lane) {
        float[] rows = state.rows;
        FloatVector first = FloatVector.fromArray(S, rows, FIRST_MIN + lane);
        VectorMask<Float> flat = FloatVector.fromArray(S, rows, MAX + lane).compare(VectorOperators.EQ, first);
        FloatVector zero = FloatVector.zero(S);
        replace(rows, SCALE + lane, zero, flat);
        replace(rows, CODE_INVERSE + lane, zero, flat);
        replace(rows, MIN + lane, first, flat);
    }

    private static void searched(State state, int lane) {
        FloatVector inverse = FloatVector.fromArray(S, state.rows, CODE_INVERSE + lane);
        FloatVector min = FloatVector.fromArray(S, state.rows, CODE_MIN + lane);
        for (int i = lane; i < state.end; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            LaneRounding.nearest(inverse.mul(value.sub(min)), 0, state.top).intoArray(state.codes, i);
        }
    }
}
