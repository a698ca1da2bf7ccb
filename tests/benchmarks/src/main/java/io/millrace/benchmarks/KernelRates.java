package io.millrace.benchmarks;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import io.millrace.tensors.kernel.gguf.BlockQuantizer;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/**
 * Weights per second and core of each block type's kernels, beside llama.cpp's quantizer on the same numbers: one
 * thread, the median and the best of several rounds in turns, after a warm-up; {@code times} compares the best. The bytes of
 * both are compared as well.
 */
public final class KernelRates {
    /** A row block of the quantizer. */
    private static final int ELEMENTS = 1 << 18;

    private static final int ROW = 1024;
    private static final int WARM_UP = 60;
    private static final int ROUNDS = 31;

    private static final String FORMAT = "%-6s %20s %20s %6s %20s  %s%n";

    private KernelRates() {}

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
            Runnable read = () -> BlockDequantizer.dequantize(type, blocks, 0, ELEMENTS, back, 0);
            // The library of the package, b4916, ends the process when it is asked for MXFP4.
            Optional<PeerQuantizer> knowing = peer.filter(_ -> type != GgufType.MXFP4);
            try (Arena arena = Arena.ofConfined()) {
                print(
                        type.name(),
                        blocks,
                        () -> BlockQuantizer.quantize(type, values, 0, ELEMENTS, blocks, 0),
                        knowing.map(library -> library.prepare(arena, type, values, ROW, new float[0])),
                        inTurns(List.of(read)).getFirst().toString());
                print(
                        type + "+",
                        blocks,
                        () -> quantize(type, values, importance, blocks),
                        knowing.map(library -> library.prepare(arena, type, values, ROW, importance)),
                        "");
            }
        }
    }

    private static List<GgufType> types(String[] names) {
        return names.length == 0
                ? List.of(GgufType.values())
                : Arrays.stream(names).map(GgufType::valueOf).toList();
    }

    private static void print(
            String name, byte[] blocks, Runnable ours, Optional<PeerQuantizer.Prepared> peer, String reading) {
        if (peer.isEmpty()) {
            System.out.printf(FORMAT, name, inTurns(List.of(ours)).getFirst(), "-", "-", reading, "-");
            return;
        }
        List<Rate> rates = inTurns(List.of(ours, peer.get()::run));
        String times =
                String.format("%.1f", rates.getFirst().best() / rates.getLast().best());
        String same = Arrays.equals(blocks, peer.get().bytes()) ? "yes" : "NO";
        System.out.printf(FORMAT, name, rates.getFirst(), rates.getLast(), times, reading, same);
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

        static Rate of(long[] nanos) {
            Arrays.sort(nanos);
            return new Rate(ELEMENTS * 1e3 / nanos[ROUNDS / 2], ELEMENTS * 1e3 / nanos[0]);
        }
    }

    /** The rates of several works that take turns, so that what else the machine does meets all of them. */
    private static List<Rate> inTurns(List<Runnable> works) {
        long[][] nanos = new long[works.size()][ROUNDS];
        for (int i = 0; i < WARM_UP; i++) {
            works.getFirst().run();
        }
        for (int i = 0; i < ROUNDS; i++) {
            for (int j = 0; j < works.size(); j++) {
                long start = System.nanoTime();
                works.get(j).run();
                nanos[j][i] = System.nanoTime() - start;
            }
        }
        return Arrays.stream(nanos).map(Rate::of).toList();
    }
}
