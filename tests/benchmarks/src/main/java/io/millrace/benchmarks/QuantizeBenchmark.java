package io.millrace.benchmarks;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Quantizing a large checkpoint beside copying the same bytes, in turns. The stage runs as in a worker, its output is
 * forced to disk and digested; the copy goes through a 4 MiB buffer and is forced to disk at its end.
 */
@Command(
        name = "quantize",
        mixinStandardHelpOptions = true,
        description = "A 1.2-billion-parameter checkpoint quantized beside copying its bytes.")
final class QuantizeBenchmark implements Callable<Integer> {
    private static final Set<String> LIGHT = Set.of("Q8_0", "Q4_0", "W4A16", "FP8_DYNAMIC");
    private static final double SHARE_LIMIT = 0.6;
    private static final double PEER_LIMIT = 4;
    private static final double THREADS_LIMIT = 1.8;
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

    @Option(names = "--one-thread", description = "in each round also with one thread")
    private boolean oneThread;

    private final List<Double> shares = new ArrayList<>();
    private final List<Double> gains = new ArrayList<>();
    private final List<Double> seconds = new ArrayList<>();
    private String digest = "";
    private double peakMebibytes;
    private Map<GgufType, Long> weights = Map.of();

    @Override
    public Integer call() throws Exception {
        try (Scratch scratch = Scratch.create()) {
            long wanted = parse(parameters);
            requireSpace(scratch.folder(), 6 * wanted);
            SyntheticCheckpoint checkpoint = SyntheticCheckpoint.write(scratch.resolve("checkpoint"), wanted, 1);
            long bytes = new ForcedFiles(checkpoint.folder()).bytes();
            System.out.printf(
                    Locale.ROOT,
                    "%.2f billion parameters, %.2f GB in BF16, %s, %d threads%n",
                    checkpoint.parameters() / 1e9,
                    bytes / 1e9,
                    type,
                    THREADS);
            double cold = quantize(checkpoint, scratch.resolve("work"), THREADS);
            List<Double> copies = new ArrayList<>();
            for (int round = 0; round < rounds; round++) {
                copies.add(copy(checkpoint, scratch.resolve("copy")));
                seconds.add(quantize(checkpoint, scratch.resolve("work"), THREADS));
                shares.add(copies.getLast() / seconds.getLast());
                if (oneThread) {
                    gains.add(quantize(checkpoint, scratch.resolve("work"), 1) / seconds.getLast());
                }
            }
            System.out.println("sha-256 of the largest file: " + digest);
            Figure.beside("copy, 4 MiB buffer, forced to disk, median", bytes / 1e9 / median(copies), "GB/s");
            Figure.beside("the stage, first run", checkpoint.parameters() / 1e6 / cold, "million weights/s");
            Figure.beside("the stage, median", checkpoint.parameters() / 1e6 / median(seconds), "million weights/s");
        }
        boolean kept = besideCopy();
        kept &= besidePeer();
        kept &= besideOneThread();
        kept &= small();
        return kept ? 0 : 1;
    }

    private boolean besideCopy() {
        String name = "speed as a share of copying, median";
        if (LIGHT.contains(type)) {
            return Figure.atLeast(name, median(shares), SHARE_LIMIT, "");
        }
        Figure.beside(name, median(shares), "");
        return true;
    }

    /** The peer makes the same blocks of F16 weights, from memory into memory; it reads, writes and digests nothing. */
    private boolean besidePeer() throws Exception {
        Optional<PeerQuantizer> peer = weights.isEmpty() ? Optional.empty() : PeerQuantizer.load();
        if (peer.isEmpty()) {
            return true;
        }
        double theirs = peer.get().seconds(weights, THREADS);
        Figure.beside("llama.cpp, the same blocks, same threads", theirs, "s");
        Figure.beside("the stage", median(seconds), "s");
        String name = "its time over the stage's";
        if (type.equals("Q4_K_M")) {
            return Figure.atLeast(name, theirs / median(seconds), PEER_LIMIT, "");
        }
        Figure.beside(name, theirs / median(seconds), "");
        return true;
    }

    private boolean besideOneThread() {
        if (gains.isEmpty()) {
            return true;
        }
        String name = THREADS + " threads against one, median";
        if (THREADS == 2 && type.contains("_K")) {
            return Figure.atLeast(name, median(gains), THREADS_LIMIT, "");
        }
        Figure.beside(name, median(gains), "");
        return true;
    }

    private boolean small() {
        return Figure.atMost("RssAnon + RssShmem, peak", peakMebibytes, MEMORY_LIMIT_MEBIBYTES, "MiB");
    }

    private static double median(List<Double> values) {
        return Figure.median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }

    private static double copy(SyntheticCheckpoint checkpoint, Path to) throws IOException {
        long began = System.nanoTime();
        new ForcedFiles(checkpoint.folder()).copyTo(to);
        double seconds = (System.nanoTime() - began) / 1e9;
        new Scratch(to).close();
        return seconds;
    }

    private double quantize(SyntheticCheckpoint checkpoint, Path work, int threads) throws Exception {
        Files.createDirectories(work);
        double seconds;
        try (ResidentMemory memory = new ResidentMemory()) {
            long began = System.nanoTime();
            Path output = new QuantizeStage(threads)
                    .run(
                            new StageInput<>(Map.of(Role.MODEL, checkpoint.folder()), wanted(), 0, Device.CPU),
                            new InFolder(work))
                    .folder();
            digest = new ForcedFiles(output).forcedDigest();
            seconds = (System.nanoTime() - began) / 1e9;
            peakMebibytes = Math.max(peakMebibytes, memory.peakMebibytes());
            weights = weights(output);
        }
        new Scratch(work).close();
        return seconds;
    }

    private Parameters.Quantize wanted() {
        return Parameters.CompressedTensors.TYPES.contains(type)
                ? new Parameters.CompressedTensors(type)
                : new Parameters.Gguf(type);
    }

    /** How many weights of a GGUF are in blocks of which type; none where the output is something else. */
    private static Map<GgufType, Long> weights(Path output) throws IOException {
        Map<GgufType, Long> weights = new EnumMap<>(GgufType.class);
        for (Path file : new ForcedFiles(output).all()) {
            if (file.toString().endsWith(".gguf")) {
                GgufReader.headerOf(file).tensors().stream()
                        .filter(tensor -> tensor.type().blockElements() > 1)
                        .forEach(tensor ->
                                weights.merge(tensor.type(), tensor.shape().elements(), Long::sum));
            }
        }
        return weights;
    }

    private static void requireSpace(Path folder, long bytes) throws IOException {
        long free = Files.getFileStore(folder).getUsableSpace();
        if (free < bytes) {
            throw new IOException(String.format(
                    Locale.ROOT,
                    "%s: %.1f GB are free and %.1f GB are needed; choose fewer --parameters, or another disk with"
                            + " -Djava.io.tmpdir",
                    folder,
                    free / 1e9,
                    bytes / 1e9));
        }
    }

    private static long parse(String parameters) {
        if (!parameters.matches("[1-9][0-9]{0,5}[MB]")) {
            throw new IllegalArgumentException("--parameters is '" + parameters + "', expected 300M or 2B, say");
        }
        long number = Long.parseLong(parameters.substring(0, parameters.length() - 1));
        return number * (parameters.endsWith("B") ? 1_000_000_000L : 1_000_000L);
    }

    private record InFolder(Path folder) implements Workspace {
        @Override
        public void progress(long done, long total, String message) {}
    }
}
