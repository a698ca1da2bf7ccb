package io.millrace.benchmarks;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import io.millrace.tensors.kernel.gguf.BlockQuantizer;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;

/**
 * Weights per second and core of each block type's kernels, beside llama.cpp's quantizer on the same numbers: one
 * thread, the median and the best of several rounds, after a warm-up. The bytes of both are compared as well.
 */
public final class KernelRates {
    private static final int ELEMENTS = 1 << 20;
    private static final int ROW = 1024;
    private static final int WARM_UP = 10;
    private static final int ROUNDS = 11;

    private KernelRates() {}

    /** What is measured; it runs over {@link #ELEMENTS} numbers. */
    @FunctionalInterface
    interface Work {
        void run();
    }

    public static void main(String[] arguments) throws Exception {
        float[] values = new float[ELEMENTS];
        Random random = new Random(1);
        for (int i = 0; i < ELEMENTS; i++) {
            values[i] = (float) (0.02 * random.nextGaussian());
        }
        Optional<PeerQuantizer> peer = PeerQuantizer.load();
        System.out.println("million weights per second, one thread: median (best)");
        System.out.printf("%-6s %22s %22s %22s  %s%n", "type", "quantize", "llama.cpp", "dequantize", "same bytes");
        for (GgufType type : GgufType.values()) {
            byte[] blocks = new byte[Math.toIntExact(type.rowBytes(ELEMENTS))];
            float[] back = new float[ELEMENTS];
            String ours = rate(() -> BlockQuantizer.quantize(type, values, 0, ELEMENTS, blocks, 0));
            String reading = rate(() -> BlockDequantizer.dequantize(type, blocks, 0, ELEMENTS, back, 0));
            String theirs = "-";
            String same = "-";
            // The library of the package, b4916, ends the process when it is asked for MXFP4.
            if (peer.isPresent() && type != GgufType.MXFP4) {
                PeerQuantizer library = peer.get();
                theirs = rate(() -> library.quantize(type, values, ROW));
                same = Arrays.equals(blocks, library.quantize(type, values, ROW)) ? "yes" : "NO";
            }
            System.out.printf("%-6s %22s %22s %22s  %s%n", type, ours, theirs, reading, same);
        }
    }

    private static String rate(Work work) {
        long[] nanos = new long[ROUNDS];
        for (int i = 0; i < WARM_UP; i++) {
            work.run();
        }
        for (int i = 0; i < ROUNDS; i++) {
            long start = System.nanoTime();
            work.run();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return String.format("%.1f (%.1f)", ELEMENTS * 1e3 / nanos[ROUNDS / 2], ELEMENTS * 1e3 / nanos[0]);
    }
}
