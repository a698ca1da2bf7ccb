package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;
import org.jspecify.annotations.Nullable;

/**
 * {@link ScalarCodebook} for {@value #COLUMNS} sub-blocks of 32 at once: each lane holds one sub-block and sums it in the specified
 * order. Numbers lie in columns: element i of sub-block j at [COLUMNS · i + j]. Where fewer sub-blocks are left the
 * other columns are zeros.
 */
final class LaneCodebook {
    static final int COLUMNS = LanePass.COLUMNS;
    static final int SUB = ScalarCodebook.SUB;
    static final int ELEMENTS = COLUMNS * SUB;

    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    /** Where each number per column begins in {@code rows}. */
    private static final int LARGEST = 0;

    private static final int INVERSE = COLUMNS;
    private static final int SUM_QX = 2 * COLUMNS;
    private static final int SUM_QQ = 3 * COLUMNS;
    private static final int SCALE = 4 * COLUMNS;
    private static final int BEST = 5 * COLUMNS;
    private static final int VARIANCE = 6 * COLUMNS;

    private static final List<LanePass<State>> SQUARES = List.of(LaneCodebook::squares);
    private static final List<LanePass<State>> WEIGH = List.of(LaneCodebook::weigh);
    private static final List<LanePass<State>> FIRST = List.of(
            LaneCodebook::largest,
            LaneCodebook::high,
            LaneCodebook::middle,
            LaneCodebook::low,
            LaneCodebook::sums,
            LaneCodebook::begin);
    private static final List<LanePass<State>> TRIAL = List.of(
            LaneCodebook::invert,
            LaneCodebook::high,
            LaneCodebook::middle,
            LaneCodebook::low,
            LaneCodebook::sums,
            LaneCodebook::accept);
    private static final List<LanePass<State>> CODES =
            List.of(LaneCodebook::high, LaneCodebook::middle, LaneCodebook::low);

    private final State state = new State();
    private final float[] scales = new float[COLUMNS];
    private final float[] steps = new float[COLUMNS];
    private int used;

    /** What the passes share: numbers x, weights w, values q of the book for the present trial, and sums per column. */
    private static final class State {
        private final float[] x = new float[ELEMENTS];
        private final float[] w = new float[ELEMENTS];
        private final float[] importance = new float[ELEMENTS];
        private final float[] twice = new float[ELEMENTS];
        private final float[] q = new float[ELEMENTS];
        private final float[] rows = new float[7 * COLUMNS];
        private float numerator;
    }

    /** Quantizes x[from, from + elements), whole blocks of 32 and at most {@value #ELEMENTS} elements, to IQ4_NL at out[at …]. */
    void nl(float[] x, int from, int elements, float @Nullable [] importance, int importanceFrom, byte[] out, int at) {
        load(x, from, elements, importance, importanceFrom, SUB);
        search();
        System.arraycopy(scales, 0, steps, 0, COLUMNS);
        encode();
        for (int j = 0; j < elements / SUB; j++) {
            int block = at + ScalarCodebook.NL_BYTES * j;
            ScalarBlocks32.half(scales[j], out, block);
            pack(j, out, block + 2);
        }
    }

    /** Quantizes x[from, from + elements), blocks of 256 elements and at most {@value #ELEMENTS} elements, to IQ4_XS at out[at …]. */
    void xs(float[] x, int from, int elements, float @Nullable [] importance, int importanceFrom, byte[] out, int at) {
        load(x, from, elements, importance, importanceFrom, ScalarCodebook.SUPER);
        search();
        for (int j = 0; j < elements / SUB; j += ScalarCodebook.SUB_BLOCKS) {
            ScalarCodebook.writeScales(
                    scales, j, steps, out, at + j / ScalarCodebook.SUB_BLOCKS * ScalarCodebook.XS_BYTES);
        }
        encode();
        for (int j = 0; j < elements / SUB; j++) {
            int block = at + j / ScalarCodebook.SUB_BLOCKS * ScalarCodebook.XS_BYTES;
            pack(j, out, block + 8 + 16 * (j % ScalarCodebook.SUB_BLOCKS));
        }
    }

    private void load(float[] x, int from, int elements, float @Nullable [] importance, int importanceFrom, int block) {
        used = elements / SUB;
        LaneColumns.fill(x, from, SUB, used, state.x);
        LanePass.runAll(SQUARES, state, used);
        if (importance != null) {
            LaneColumns.fill(importance, importanceFrom, SUB, used, state.importance);
            for (int j = 0; j < COLUMNS; j++) {
                int first = j * SUB / block * block;
                state.rows[VARIANCE + j] = first < elements ? variance(x, from + first, block) : 0;
            }
            LanePass.runAll(WEIGH, state, used);
        }
    }

    private static float variance(float[] x, int from, int count) {
        float squares = 0;
        for (int i = 0; i < count; i++) {
            squares += x[from + i] * x[from + i];
        }
        return squares * (2f / count);
    }

    private void search() {
        LanePass.runAll(FIRST, state, used);
        for (int trial = -ScalarCodebook.TRIALS; trial <= ScalarCodebook.TRIALS; trial++) {
            state.numerator = trial - ScalarCodebook.REACH;
            LanePass.runAll(TRIAL, state, used);
        }
        for (int j = 0; j < COLUMNS; j++) {
            boolean tiny = Math.abs(state.rows[LARGEST + j]) < ScalarCodebook.TINY;
            scales[j] = tiny ? 0 : state.rows[SCALE + j];
        }
    }

    private void encode() {
        for (int j = 0; j < COLUMNS; j++) {
            state.rows[INVERSE + j] = steps[j] == 0 ? 0 : 1 / steps[j];
        }
        LanePass.runAll(CODES, state, used);
    }

    private void pack(int column, byte[] out, int at) {
        float[] q = state.q;
        for (int i = 0; i < 16; i++) {
            int first = LaneBook.place(q[i * COLUMNS + column]);
            int second = LaneBook.place(q[(i + 16) * COLUMNS + column]);
            out[at + i] = (byte) (first | second << 4);
        }
    }

    private static void squares(State state, int lane) {
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            value.mul(value).intoArray(state.w, i);
        }
    }

    private static void weigh(State state, int lane) {
        FloatVector variance = FloatVector.fromArray(S, state.rows, VARIANCE + lane);
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            FloatVector root =
                    variance.add(FloatVector.fromArray(S, state.w, i)).lanewise(VectorOperators.SQRT);
            FloatVector.fromArray(S, state.importance, i).mul(root).intoArray(state.w, i);
        }
    }

    private static void largest(State state, int lane) {
        FloatVector magnitude = FloatVector.zero(S);
        FloatVector largest = FloatVector.zero(S);
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            VectorMask<Float> larger = value.abs().compare(VectorOperators.GT, magnitude);
            magnitude = magnitude.blend(value.abs(), larger);
            largest = largest.blend(value, larger);
        }
        largest.intoArray(state.rows, LARGEST + lane);
        FloatVector.broadcast(S, 1f).div(largest.div(ScalarCodebook.REACH)).intoArray(state.rows, INVERSE + lane);
    }

    private static void invert(State state, int lane) {
        FloatVector.broadcast(S, state.numerator)
                .div(FloatVector.fromArray(S, state.rows, LARGEST + lane))
                .intoArray(state.rows, INVERSE + lane);
    }

    private static void high(State state, int lane) {
        float[] x = state.x;
        float[] twice = state.twice;
        float[] q = state.q;
        FloatVector inverse = FloatVector.fromArray(S, state.rows, INVERSE + lane);
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            FloatVector value = inverse.mul(FloatVector.fromArray(S, x, i));
            FloatVector doubled = value.add(value);
            doubled.intoArray(twice, i);
            LaneBook.high(doubled).intoArray(q, i);
        }
    }

    private static void middle(State state, int lane) {
        float[] twice = state.twice;
        float[] q = state.q;
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            LaneBook.middle(FloatVector.fromArray(S, q, i), FloatVector.fromArray(S, twice, i))
                    .intoArray(q, i);
        }
    }

    private static void low(State state, int lane) {
        float[] twice = state.twice;
        float[] q = state.q;
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            LaneBook.low(FloatVector.fromArray(S, q, i), FloatVector.fromArray(S, twice, i))
                    .intoArray(q, i);
        }
    }

    private static void sums(State state, int lane) {
        float[] x = state.x;
        float[] w = state.w;
        FloatVector sumQX = FloatVector.zero(S);
        FloatVector sumQQ = FloatVector.zero(S);
        for (int i = lane; i < ELEMENTS; i += COLUMNS) {
            FloatVector q = FloatVector.fromArray(S, state.q, i);
            FloatVector weighted = FloatVector.fromArray(S, w, i).mul(q);
            sumQX = sumQX.add(weighted.mul(FloatVector.fromArray(S, x, i)));
            sumQQ = sumQQ.add(weighted.mul(q));
        }
        sumQX.intoArray(state.rows, SUM_QX + lane);
        sumQQ.intoArray(state.rows, SUM_QQ + lane);
    }

    private static void begin(State state, int lane) {
        float[] rows = state.rows;
        FloatVector sumQX = FloatVector.fromArray(S, rows, SUM_QX + lane);
        FloatVector sumQQ = FloatVector.fromArray(S, rows, SUM_QQ + lane);
        FloatVector scale = FloatVector.zero(S).blend(sumQX.div(sumQQ), sumQQ.compare(VectorOperators.GT, 0f));
        scale.intoArray(rows, SCALE + lane);
        scale.mul(sumQX).intoArray(rows, BEST + lane);
    }

    private static void accept(State state, int lane) {
        float[] rows = state.rows;
        FloatVector sumQX = FloatVector.fromArray(S, rows, SUM_QX + lane);
        FloatVector sumQQ = FloatVector.fromArray(S, rows, SUM_QQ + lane);
        FloatVector best = FloatVector.fromArray(S, rows, BEST + lane);
        VectorMask<Float> better = sumQQ.compare(VectorOperators.GT, 0f)
                .and(sumQX.mul(sumQX).compare(VectorOperators.GT, best.mul(sumQQ)));
        FloatVector scale = sumQX.div(sumQQ);
        FloatVector.fromArray(S, rows, SCALE + lane).blend(scale, better).intoArray(rows, SCALE + lane);
        best.blend(scale.mul(sumQX), better).intoArray(rows, BEST + lane);
    }
}
