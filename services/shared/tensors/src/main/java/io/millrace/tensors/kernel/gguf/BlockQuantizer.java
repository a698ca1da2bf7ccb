package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.GgufType;
import org.jspecify.annotations.Nullable;

/**
 * Rows of floats into blocks of a ggml type, as ggml's reference quantizer writes them. The caller has made sure that
 * every value is finite; a NaN or infinity gives a meaningless block.
 */
public final class BlockQuantizer {
    private BlockQuantizer() {}

    /** Quantizes values[from, from + elements), whole blocks, to target[at …]. */
    public static void quantize(GgufType type, float[] values, int from, int elements, byte[] target, int at) {
        requireBlocks(type, values.length, from, elements, target.length, at);
        switch (type) {
            case Q4_K, Q5_K ->
                LaneAffineBlocks.plain(search(type), type.blockBytes()).quantize(values, from, elements, target, at);
            case Q2_K -> LaneQ2K.plain().quantize(values, from, elements, target, at);
            case Q3_K -> new LaneQ3K().quantize(values, from, elements, target, at);
            case Q6_K -> new LaneQ6K().quantize(values, from, elements, target, at);
            case Q8_0 -> q8(values, from, elements, target, at);
            case IQ4_NL, IQ4_XS -> codebook(type, values, from, elements, null, 0, target, at);
            case Q4_0, Q4_1 -> blocks32(type, 4, values, from, elements, target, at);
            case Q5_0, Q5_1 -> blocks32(type, 5, values, from, elements, target, at);
            case F32 -> PlainFloats.f32(values, from, elements, target, at);
            case F16 -> PlainFloats.f16(values, from, elements, target, at);
            case BF16 -> PlainFloats.bf16(values, from, elements, target, at);
            case TQ2_0 -> ternary(values, from, elements, target, at);
            case MXFP4 -> microscaled(values, from, elements, target, at);
        }
    }

    /**
     * The same with the importance of each element's column, importance[importanceFrom …], all finite and ≥ 0: the
     * reference's quantizer with an importance matrix. The elements are one row of a matrix, since some types weigh a
     * block by the row it is in. Types that know no importance ignore it.
     */
    public static void quantize(
            GgufType type,
            float[] values,
            int from,
            int elements,
            float[] importance,
            int importanceFrom,
            byte[] target,
            int at) {
        requireBlocks(type, values.length, from, elements, target.length, at);
        java.util.Objects.checkFromIndexSize(importanceFrom, elements, importance.length);
        switch (type) {
            case IQ4_NL, IQ4_XS -> codebook(type, values, from, elements, importance, importanceFrom, target, at);
            case Q4_K, Q5_K ->
                LaneAffineBlocks.weighted(search(type).top(), type.blockBytes())
                        .quantize(values, from, elements, importance, importanceFrom, target, at);
            case Q2_K -> LaneQ2K.weighted().quantize(values, from, elements, importance, importanceFrom, target, at);
            case Q3_K -> new LaneQ3K().quantize(values, from, elements, importance, importanceFrom, target, at);
            case Q6_K -> new LaneQ6K().quantize(values, from, elements, importance, importanceFrom, target, at);
            case Q4_0, Q4_1, Q5_0, Q5_1 ->
                weighted32(type)
                        .quantize(values, from, elements, importance, importanceFrom, target, at, type.blockBytes());
            case F32, F16, BF16, Q8_0, TQ2_0, MXFP4 -> quantize(type, values, from, elements, target, at);
        }
    }

    /** Elements of a group that a type weighs by importance on its own; 0 for types that know no importance. */
    public static int weightedElements(GgufType type) {
        return switch (type) {
            case Q2_K, Q3_K, Q6_K -> 16;
            case Q4_K, Q5_K, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS -> 32;
            case F32, F16, BF16, Q8_0, TQ2_0, MXFP4 -> 0;
        };
    }

    private static LaneWeighted32 weighted32(GgufType type) {
        return switch (type) {
            case Q4_0 -> LaneWeighted32.symmetric(4);
            case Q5_0 -> LaneWeighted32.symmetric(5);
            case Q4_1 -> LaneWeighted32.affine(4);
            default -> LaneWeighted32.affine(5);
        };
    }

    private static void ternary(float[] x, int from, int elements, byte[] out, int at) {
        for (int done = 0; done < elements; done += ScalarTernary.ELEMENTS) {
            LaneTernary.quantize(x, from + done, out, at);
            at += GgufType.TQ2_0.blockBytes();
        }
    }

    private static ScalarAffineSearch search(GgufType type) {
        return type == GgufType.Q4_K ? ScalarAffineSearch.Q4_K : ScalarAffineSearch.Q5_K;
    }

    private static void q8(float[] x, int from, int elements, byte[] out, int at) {
        for (int done = 0; done < elements; done += ScalarBlocks32.ELEMENTS) {
            LaneQ8.quantize(x, from + done, out, at);
            at += GgufType.Q8_0.blockBytes();
        }
    }

    private static void microscaled(float[] x, int from, int elements, byte[] out, int at) {
        for (int done = 0; done < elements; done += ScalarMicroscaled.ELEMENTS) {
            LaneMicroscaled.quantize(x, from + done, out, at);
            at += GgufType.MXFP4.blockBytes();
        }
    }

    private static void blocks32(GgufType type, int bits, float[] x, int from, int elements, byte[] out, int at) {
        LaneBlocks32 blocks = new LaneBlocks32(bits);
        boolean symmetric = type == GgufType.Q4_0 || type == GgufType.Q5_0;
        for (int done = 0; done < elements; done += ScalarBlocks32.ELEMENTS) {
            if (symmetric) {
                blocks.symmetric(x, from + done, out, at);
            } else {
                blocks.affine(x, from + done, out, at);
            }
            at += type.blockBytes();
        }
    }

    private static void codebook(
            GgufType type,
            float[] x,
            int from,
            int elements,
            float @Nullable [] importance,
            int importanceFrom,
            byte[] out,
            int at) {
        LaneCodebook columns = new LaneCodebook();
        for (int done = 0; done < elements; done += LaneCodebook.ELEMENTS) {
            int count = Math.min(LaneCodebook.ELEMENTS, elements - done);
            int first = Math.toIntExact(at + type.rowBytes(done));
            if (type == GgufType.IQ4_NL) {
                columns.nl(x, from + done, count, importance, importanceFrom + done, out, first);
            } else {
                columns.xs(x, from + done, count, importance, importanceFrom + done, out, first);
            }
        }
    }

    static void requireBlocks(GgufType type, int valuesLength, int from, int elements, int bytesLength, int at) {
        if (elements % type.blockElements() != 0) {
            throw new IllegalArgumentException(elements + " elements are not whole blocks of " + type + " ("
                    + type.blockElements() + " elements)");
        }
        java.util.Objects.checkFromIndexSize(from, elements, valuesLength);
        java.util.Objects.checkFromIndexSize(at, Math.toIntExact(type.rowBytes(elements)), bytesLength);
    }

    /** The specification: one block after the other, one number after the other. */
    static void scalar(GgufType type, float[] values, int from, int elements, byte[] target, int at) {
        int step = type.blockElements();
        for (int done = 0; done < elements; done += step) {
            int x = from + done;
            int out = at + done / step * type.blockBytes();
            switch (type) {
                case F32 -> ScalarFloats.f32(values[x], target, out);
                case F16 -> ScalarBlocks32.half(values[x], target, out);
                case BF16 -> ScalarFloats.bf16(values[x], target, out);
                case Q8_0 -> ScalarBlocks32.q8(values, x, target, out);
                case Q4_0 -> ScalarBlocks32.symmetric(4, values, x, target, out);
                case Q5_0 -> ScalarBlocks32.symmetric(5, values, x, target, out);
                case Q4_1 -> ScalarBlocks32.affine(4, values, x, target, out);
                case Q5_1 -> ScalarBlocks32.affine(5, values, x, target, out);
                case Q2_K -> ScalarQ2K.quantize(values, x, target, out);
                case Q3_K -> ScalarQ3K.quantize(values, x, target, out);
                case Q4_K -> ScalarAffineBlocks.quantize(ScalarAffineSearch.Q4_K, values, x, target, out);
                case Q5_K -> ScalarAffineBlocks.quantize(ScalarAffineSearch.Q5_K, values, x, target, out);
                case Q6_K -> ScalarQ6K.quantize(values, x, target, out);
                case IQ4_NL -> ScalarCodebook.nl(values, x, target, out);
                case IQ4_XS -> ScalarCodebook.xs(values, x, target, out);
                case TQ2_0 -> ScalarTernary.quantize(values, x, target, out);
                case MXFP4 -> ScalarMicroscaled.quantize(values, x, target, out);
            }
        }
    }

    /** The specification with importances. */
    static void scalar(
            GgufType type,
            float[] values,
            int from,
            int elements,
            float[] importance,
            int importanceFrom,
            byte[] target,
            int at) {
        int step = type.blockElements();
        float variance = ScalarWeights.squares(values, from, elements) / elements;
        for (int done = 0; done < elements; done += step) {
            int x = from + done;
            int q = importanceFrom + done;
            int out = at + done / step * type.blockBytes();
            switch (type) {
                case Q4_0 -> ScalarBlocks32.symmetric(4, variance, values, x, importance, q, target, out);
                case Q5_0 -> ScalarBlocks32.symmetric(5, variance, values, x, importance, q, target, out);
                case Q4_1 -> ScalarBlocks32.affine(4, variance, values, x, importance, q, target, out);
                case Q5_1 -> ScalarBlocks32.affine(5, variance, values, x, importance, q, target, out);
                case Q2_K -> ScalarQ2K.quantize(values, x, importance, q, target, out);
                case Q3_K -> ScalarQ3K.quantize(values, x, importance, q, target, out);
                case Q4_K -> ScalarAffineBlocks.quantize(15, values, x, importance, q, target, out);
                case Q5_K -> ScalarAffineBlocks.quantize(31, values, x, importance, q, target, out);
                case Q6_K -> ScalarQ6K.quantize(values, x, importance, q, target, out);
                case IQ4_NL -> ScalarCodebook.nl(values, x, importance, q, target, out);
                case IQ4_XS -> ScalarCodebook.xs(values, x, importance, q, target, out);
                case F32, F16, BF16, Q8_0, TQ2_0, MXFP4 -> scalar(type, values, x, step, target, out);
            }
        }
    }
}
