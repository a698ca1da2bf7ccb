package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.util.List;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * {@link ScalarQ6K} with the 16 sub-blocks of a super-block in lanes: element i of sub-block j at [16 · i + j]. The
 * codes of the best trial are computed again from the scale that gave them.
 */
final class LaneQ6K {
    private static final int COLUMNS = ScalarQ6K.SUB_BLOCKS;
    private static final int SUB = ScalarQ6K.SUB;
    private static final int HALF = ScalarQ6K.HALF;
    private static final VectorSpecies<Float> S = Lanes.FLOATS;

    /** Where each number per column begins in {@code rows}. */
    private static final int LARGEST = 0;

    private static final int SCALE = COLUMNS;
    private static final int BEST = 2 * COLUMNS;
    private static final int INVERSE = 3 * COLUMNS;
    private static final int SUM_XL = 4 * COLUMNS;
    private static final int SUM_LL = 5 * COLUMNS;
    private static final int CODE_INVERSE = 6 * COLUMNS;
    private static final int STEP = 7 * COLUMNS;

    private static final List<LanePass<State>> FIRST =
            List.of(LaneQ6K::weigh, LaneQ6K::invert, LaneQ6K::sums, LaneQ6K::begin);
    private static final List<LanePass<State>> TRIAL = List.of(LaneQ6K::invert, LaneQ6K::sums, LaneQ6K::accept);
    private static final List<LanePass<State>> END = List.of(LaneQ6K::finish);
    private static final List<LanePass<State>> CODES = List.of(LaneQ6K::codes);

    private final State state = new State();
    private final int[] codes = new int[ScalarQ6K.ELEMENTS];
    private final float[] scales = new float[COLUMNS];

    /** What the passes share. */
    private static final class State {
        private final float[] x = new float[ScalarQ6K.ELEMENTS];
        private final float[] squares = new float[ScalarQ6K.ELEMENTS];
        private final float[] cubes = new float[ScalarQ6K.ELEMENTS];
        private final float[] rows = new float[8 * COLUMNS];
        private final int[] codes = new int[ScalarQ6K.ELEMENTS];
        private float numerator;
    }

    /** Quantizes x[from, from + 256) to out[at, at + 210). */
    void quantize(float[] x, int from, byte[] out, int at) {
        toColumns(x, from, state.x);
        state.numerator = -HALF;
        LanePass.runAll(FIRST, state);
        for (int step = -9; step <= 9; step++) {
            if (step != 0) {
                state.numerator = -(HALF + 0.1f * step);
                LanePass.runAll(TRIAL, state);
            }
        }
        LanePass.runAll(END, state);
        System.arraycopy(state.rows, SCALE, scales, 0, COLUMNS);
        float largest = ScalarBlocks32.signedLargest(scales, 0, COLUMNS);
        if (Math.abs(largest) < ScalarSymmetricSearch.TINY) {
            java.util.Arrays.fill(out, at, at + 210, (byte) 0);
            return;
        }
        float inverse = -128f / largest;
        short d = Float.floatToFloat16(1 / inverse);
        for (int j = 0; j < COLUMNS; j++) {
            byte scale = (byte) Math.min(127, Rounding.nearest(inverse * scales[j]));
            out[at + 192 + j] = scale;
            state.rows[STEP + j] = Float.float16ToFloat(d) * scale;
        }
        out[at + 208] = (byte) d;
        out[at + 209] = (byte) (d >> 8);
        LanePass.runAll(CODES, state);
        fromColumns(state.codes, codes);
        ScalarQ6K.pack(codes, out, at);
    }

    private static void toColumns(float[] x, int from, float[] columns) {
        for (int j = 0; j < COLUMNS; j++) {
            for (int i = 0; i < SUB; i++) {
                columns[i * COLUMNS + j] = x[from + j * SUB + i];
            }
        }
    }

    private static void fromColumns(int[] columns, int[] codes) {
        for (int j = 0; j < COLUMNS; j++) {
            for (int i = 0; i < SUB; i++) {
                codes[j * SUB + i] = columns[i * COLUMNS + j];
            }
        }
    }

    private static void weigh(State state, int lane) {
        FloatVector magnitude = FloatVector.zero(S);
        FloatVector largest = FloatVector.zero(S);
        for (int i = lane; i < SUB * COLUMNS; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, state.x, i);
            VectorMask<Float> larger = value.abs().compare(VectorOperators.GT, magnitude);
            magnitude = magnitude.blend(value.abs(), larger);
            largest = largest.blend(value, larger);
            FloatVector square = value.mul(value);
            square.intoArray(state.squares, i);
            square.mul(value).intoArray(state.cubes, i);
        }
        largest.intoArray(state.rows, LARGEST + lane);
    }

    private static void invert(State state, int lane) {
        FloatVector.broadcast(S, state.numerator)
                .div(FloatVector.fromArray(S, state.rows, LARGEST + lane))
                .intoArray(state.rows, INVERSE + lane);
    }

    private static void sums(State state, int lane) {
        float[] x = state.x;
        float[] squares = state.squares;
        float[] cubes = state.cubes;
        FloatVector inverse = FloatVector.fromArray(S, state.rows, INVERSE + lane);
        FloatVector sumXL = FloatVector.zero(S);
        FloatVector sumLL = FloatVector.zero(S);
        for (int i = lane; i < SUB * COLUMNS; i += COLUMNS) {
            FloatVector code =
                    LaneRounding.nearestAsFloat(inverse.mul(FloatVector.fromArray(S, x, i)), -HALF, HALF - 1);
            sumXL = sumXL.add(FloatVector.fromArray(S, cubes, i).mul(code));
            sumLL = sumLL.add(FloatVector.fromArray(S, squares, i).mul(code).mul(code));
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

    private static void accept(State state, int lane) {
        float[] rows = state.rows;
        FloatVector sumXL = FloatVector.fromArray(S, rows, SUM_XL + lane);
        FloatVector sumLL = FloatVector.fromArray(S, rows, SUM_LL + lane);
        FloatVector best = FloatVector.fromArray(S, rows, BEST + lane);
        VectorMask<Float> better = sumLL.compare(VectorOperators.GT, 0f)
                .and(sumXL.mul(sumXL).compare(VectorOperators.GT, best.mul(sumLL)));
        FloatVector scale = sumXL.div(sumLL);
        replace(rows, BEST + lane, scale.mul(sumXL), better);
        replace(rows, SCALE + lane, scale, better);
        replace(rows, CODE_INVERSE + lane, FloatVector.fromArray(S, rows, INVERSE + lane), better);
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

    /** Codes by the final steps; where a step is 0, those of the search, which are 0 for a sub-block of tiny numbers. */
    private static void codes(State state, int lane) {
        float[] x = state.x;
        float[] rows = state.rows;
        FloatVector step = FloatVector.fromArray(S, rows, STEP + lane);
        FloatVector inverse = FloatVector.fromArray(S, rows, CODE_INVERSE + lane);
        VectorMask<Integer> none = step.compare(VectorOperators.EQ, 0f).cast(Lanes.INTS);
        VectorMask<Integer> zero = none.and(tiny(rows, lane).cast(Lanes.INTS));
        for (int i = lane; i < SUB * COLUMNS; i += COLUMNS) {
            FloatVector value = FloatVector.fromArray(S, x, i);
            IntVector code = LaneRounding.nearest(value.div(step), -HALF, HALF - 1);
            IntVector searched = LaneRounding.nearest(inverse.mul(value), -HALF, HALF - 1);
            code.blend(searched, none).add(HALF).blend(0, zero).intoArray(state.codes, i);
        }
    }
}
