package io.millrace.benchmarks;

import io.millrace.events.Parameters;
import io.millrace.tensors.GgufType;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Quantizing a large checkpoint beside copying the same bytes, and beside llama.cpp and one core. */
@Command(
        name = "quantize",
        mixinStandardHelpOptions = true,
        description = "A 1.2-billion-parameter checkpoint quantized beside copying its bytes.")
final class QuantizeBenchmark implements Callable<Integer> {
    private static final Set<String> LIGHT = Set.of("Q8_0", "Q4_0", "W4A16", "FP8_DYNAMIC");
    private static final double SHARE_LIMIT = 0.6;
    private static final double PEER_LIMIT = 4;
    private static final double CORES_LIMIT = 1.8;
    private static final double MEMORY_LIMIT_MEBIBYTES = 256;
    private static final int THREADS = Runtime.getRuntime().availableProcessors();

    @Option(names = "--parameters", defaultValue = "1200M", description = "size: 1200M or 300M, say (${DEFAULT-VALUE})")
    private String parameters = "";

    @Option(
            names = "--type",
            defaultValue = "Q8_0",
            description = "GGUF type or scheme of compressed-tensors; limits: a share of the copy for Q8_0, Q4_0, W4A16"
                    + " and FP8_DYNAMIC, a multiple of llama.cpp's rate for Q4_K_M (${DEFAULT-VALUE})")
    private String type = "";

    @Option(names = "--rounds", defaultValue = "5", description = "rounds after the warm-up (${DEFAULT-VALUE})")
    private int rounds;

    @Option(names = "--one-core", description = "in each round also on one core, with one thread")
    private boolean oneCore;

    @Override
    public Integer call() throws Exception {
        try (Scratch scratch = Scratch.create()) {
            long wanted = parse(parameters);
            scratch.requireSpace(6 * wanted);
            SyntheticCheckpoint checkpoint = SyntheticCheckpoint.write(scratch.resolve("checkpoint"), wanted, 1);
            long bytes = new ForcedFiles(checkpoint.folder()).bytes();
            System.out.printf(
                    Locale.ROOT,
                    "%.2f billion parameters, %.2f GB in BF16, %s, %d threads%n",
                    checkpoint.parameters() / 1e9,
                    bytes / 1e9,
                    type,
                    THREADS);
            QuantizeRun run = new QuantizeRun(checkpoint, wanted(), scratch.resolve("work"));
            QuantizeRun.Outcome cold = run.with(THREADS);
            CopyInTurns turns = new CopyInTurns(run, scratch.resolve("copy"));
            for (int round = 0; round < rounds; round++) {
                turns.round(THREADS);
                if (oneCore) {
                    turns.oneCore();
                }
            }
            print(checkpoint.parameters(), bytes, cold, turns);
            boolean kept = besideCopy(turns);
            kept &= besidePeer(cold.weights(), turns.median(QuantizeRun.Outcome::seconds));
            kept &= besideOneCore(turns);
            kept &= Figure.atMost(
                    "RssAnon + RssShmem, peak",
                    Math.max(cold.peakMebibytes(), turns.peakMebibytes()),
                    MEMORY_LIMIT_MEBIBYTES,
                    "MiB");
            return kept ? 0 : 1;
        }
    }

    private static void print(long weights, long bytes, QuantizeRun.Outcome cold, CopyInTurns turns) {
        System.out.println("sha-256 of the largest file: " + cold.digest());
        Figure.beside("copy, 4 MiB buffer, forced to disk, median", bytes / 1e9 / turns.medianCopySeconds(), "GB/s");
        Figure.beside("the stage, first run", weights / 1e6 / cold.seconds(), "million weights/s");
        double seconds = turns.median(QuantizeRun.Outcome::seconds);
        Figure.beside("the stage, median", weights / 1e6 / seconds, "million weights/s");
        double processor = turns.median(QuantizeRun.Outcome::processorSeconds);
        Figure.beside("its processor time, median", 1e9 * processor / weights, "ns/weight");
        double digest = turns.median(QuantizeRun.Outcome::digestSeconds);
        Figure.beside("the digest after it, median", 1e9 * digest / weights, "ns/weight");
    }

    private boolean besideCopy(CopyInTurns turns) {
        String name = "speed as a share of copying, median";
        if (LIGHT.contains(type)) {
            return Figure.atLeast(name, turns.medianShare(), SHARE_LIMIT, "");
        }
        Figure.beside(name, turns.medianShare(), "");
        return true;
    }

    /** The peer makes the same blocks of F16 weights, from memory into memory; it reads, writes and digests nothing. */
    private boolean besidePeer(Map<GgufType, Long> weights, double seconds) throws Exception {
        Optional<PeerQuantizer> peer = weights.isEmpty() ? Optional.empty() : PeerQuantizer.load();
        if (peer.isEmpty()) {
            return true;
        }
        double theirs = peer.get().seconds(weights, THREADS);
        Figure.beside("llama.cpp, the same blocks, same threads", theirs, "s");
        if (oneCore) {
            // Its threads share nothing: what two cores of this machine give to work that is all computing.
            double alone = peer.get().seconds(weights, 1);
            Figure.beside("llama.cpp, " + THREADS + " threads against one", alone / theirs, "");
        }
        Figure.beside("the stage", seconds, "s");
        String name = "its time over the stage's";
        if (type.equals("Q4_K_M")) {
            return Figure.atLeast(name, theirs / seconds, PEER_LIMIT, "");
        }
        Figure.beside(name, theirs / seconds, "");
        return true;
    }

    private boolean besideOneCore(CopyInTurns turns) {
        if (!turns.knowsGain()) {
            return true;
        }
        String name = THREADS + " cores against one, median";
        if (THREADS == 2 && type.contains("_K")) {
            return Figure.atLeast(name, turns.medianGain(), CORES_LIMIT, "");
        }
        Figure.beside(name, turns.medianGain(), "");
        return true;
    }

    private Parameters.Quantize wanted() {
        return Parameters.CompressedTensors.TYPES.contains(type)
                ? new Parameters.CompressedTensors(type)
                : new Parameters.Gguf(type);
    }

    private static long parse(String parameters) {
        if (!parameters.matches("[1-9][0-9]{0,5}[MB]")) {
            throw new IllegalArgumentException("--parameters is '" + parameters + "', expected 300M or 2B, say");
        }
        long number = Long.parseLong(parameters.substring(0, parameters.length() - 1));
        return number * (parameters.endsWith("B") ? 1_000_000_000L : 1_000_000L);
    }
}
