package io.millrace.benchmarks;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import io.millrace.tensors.kernel.gguf.BlockQuantizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/**
 * Weights per second and core of each block type's kernels, beside llama.cpp's quantizer on the same numbers: one
 * thread, the median and the best of several rounds, after a warm-up; {@code times} compares the best. The bytes of both are compared as well.
 */
public final class KernelRates {
    private static final int ELEMENTS = 1 << 20;
    private static final int ROW = 1024;
    private static final int WARM_UP = 10;
    private static final int ROUNDS = 11;

    private static final String FORMAT = "%-6s %20s %20s %6s %20s  %s%n";

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
        float[] importance = new float[ROW];
        for (int i = 0; i < ROW; i++) {
            importance[i] = (float) Math.exp(random.nextGaussian());
        }
        Optional<PeerQuantizer> peer = PeerQuantizer.load();
        System.out.println("million weights per second, one thread: median (best); + with an importance matrix");
        System.out.printf(FORMAT, "type", "quantize", "llama.cpp", "times", "dequantize", "same bytes");
        for (GgufType type : types(arguments)) {
            byte[] blocks = new byte[Math.toIntExact(type.rowBytes(ELEMENTS))];
            float[] back = new float[ELEMENTS];
            Rate reading = rate(() -> BlockDequantizer.dequantize(type, blocks, 0, ELEMENTS, back, 0));
            Rate plain = rate(() -> BlockQuantizer.quantize(type, values, 0, ELEMENTS, blocks, 0));
            // The library of the package, b4916, ends the process when it is asked for MXFP4.
            Optional<PeerQuantizer> knowing = peer.filter(_ -> type != GgufType.MXFP4);
            print(
                    type.name(),
                    plain,
                    reading.toString(),
                    blocks,
                    knowing,
                    library -> library.quantize(type, values, ROW));
            Rate weighted = rate(() -> quantize(type, values, importance, blocks));
            print(
                    type + "+",
                    weighted,
                    "",
                    blocks,
                    knowing,
                    library -> library.quantize(type, values, ROW, importance));
        }
    }

    private static List<GgufType> types(String[] names) {
        return names.length == 0
                ? List.of(GgufType.values())
                : Arrays.stream(names).map(GgufType::valueOf).toList();
    }

    private static void print(
            String name,
            Rate ours,
            String reading,
            byte[] blocks,
            Optional<PeerQuantizer> peer,
            Function<PeerQuantizer, byte[]> theirs) {
        if (peer.isPresent()) {
            byte[] expected = theirs.apply(peer.get());
            Rate rate = rate(() -> {
                var _ = theirs.apply(peer.get());
            });
            String times = String.format("%.1f", ours.best() / rate.best());
            System.out.printf(FORMAT, name, ours, rate, times, reading, Arrays.equals(blocks, expected) ? "yes" : "NO");
        } else {
            System.out.printf(FORMAT, name, ours, "-", "-", reading, "-");
        }
    }

    private static void quantize(GgufType type, float[] values, float[] importance, byte[] blocks) {
        int rowBytes = Math.toIntExact(type.rowBytes(ROW));
        for (int row = 0; row < ELEMENTS / ROW; row++) {
            BlockQuantizer.quantize(type, values, row * ROW, ROW, importance, 0, blocks, row * rowBytes);
        }
    }

    /** Million weights per second. */
    private record Rate(double median, double best) {
        @Override
        public String toString() {
            return String.format("%.1f (%.1f)", median, best);
        }
    }

    private static Rate rate(Work work) {
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
        return new Rate(ELEMENTS * 1e3 / nanos[ROUNDS / 2], ELEMENTS * 1e3 / nanos[0]);
    }
}
