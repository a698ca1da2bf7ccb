package io.millrace.tensors.kernel.gguf;

import io.millrace.tensors.kernel.Lanes;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.ShortBuffer;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link ScalarFloats} and half precision for many numbers, through a short array: the compiler itself turns the loop of
 * half precision into vector instructions, but not that of bfloat16, nor any that writes bytes.
 */
final class PlainFloats {
    private static final int CHUNK = 1024;

    private PlainFloats() {}

    static void f32(float[] x, int from, int elements, byte[] out, int at) {
        little(out, at, elements, Float.BYTES).asFloatBuffer().put(x, from, elements);
    }

    static void f16(float[] x, int from, int elements, byte[] out, int at) {
        ShortBuffer target = little(out, at, elements, Short.BYTES).asShortBuffer();
        short[] chunk = new short[Math.min(CHUNK, elements)];
        for (int done = 0; done < elements; done += CHUNK) {
            int count = Math.min(CHUNK, elements - done);
            halve(x, from + done, count, chunk);
            target.put(chunk, 0, count);
        }
    }

    static void bf16(float[] x, int from, int elements, byte[] out, int at) {
        ShortBuffer target = little(out, at, elements, Short.BYTES).asShortBuffer();
        short[] chunk = new short[Math.min(CHUNK, elements)];
        for (int done = 0; done < elements; done += CHUNK) {
            int count = Math.min(CHUNK, elements - done);
            cut(x, from + done, count, chunk);
            target.put(chunk, 0, count);
        }
    }

    private static ByteBuffer little(byte[] out, int at, int elements, int bytes) {
        return ByteBuffer.wrap(out, at, Math.multiplyExact(elements, bytes))
                .slice()
                .order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void halve(float[] x, int from, int count, short[] chunk) {
        for (int i = 0; i < count; i++) {
            chunk[i] = Float.floatToFloat16(x[from + i]);
        }
    }

    private static void cut(float[] x, int from, int count, short[] chunk) {
        int bound = Lanes.FLOATS.loopBound(count);
        for (int i = 0; i < bound; i += Lanes.FLOATS.length()) {
            IntVector bits = FloatVector.fromArray(Lanes.FLOATS, x, from + i).reinterpretAsInts();
            IntVector odd = bits.lanewise(VectorOperators.LSHR, 16).and(1);
            bits.add(0x7fff)
                    .add(odd)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, Lanes.SHORTS, 0)
                    .reinterpretAsShorts()
                    .intoArray(chunk, i);
        }
        for (int i = bound; i < count; i++) {
            int bits = Float.floatToRawIntBits(x[from + i]);
            chunk[i] = (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
        }
    }
}
