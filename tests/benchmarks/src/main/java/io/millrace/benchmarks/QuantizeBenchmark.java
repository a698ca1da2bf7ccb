package io.millrace.benchmarks;

import io.millrace.events.Device;
import io.millrace.events.Parameters;
import io.millrace.events.Role;
import io.millrace.quantizer.QuantizeStage;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.worker.StageInput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Quantizing a large checkpoint beside copying the same bytes, in turns. The stage runs as in a worker, its output is
 * forced to disk and its digests are computed; the copy goes through a 4 MiB buffer and is forced to disk at its end.
 */
@Command(name = "quantize", description = "A 1.2-billion-parameter checkpoint to GGUF beside copying its bytes.")
final class QuantizeBenchmark implements Callable<Integer> {
    private static final double SHARE_LIMIT = 0.5;
    private static final double MEMORY_LIMIT_MEBIBYTES = 512;
    private static final int COPY_BUFFER_BYTES = 4 << 20;

    @Option(names = "--parameters", defaultValue = "1200M", description = "size: 1200M or 300M, say (${DEFAULT-VALUE})")
    private String parameters = "";

    @Option(names = "--type", defaultValue = "Q8_0", description = "GGUF type; the limit is Q8_0's (${DEFAULT-VALUE})")
    private String type = "";

    @Option(names = "--rounds", defaultValue = "5", description = "pairs after the warm-up (${DEFAULT-VALUE})")
    private int rounds;

    private String modelDigest = "";

    @Override
    public Integer call() throws Exception {
        Parameters.Gguf gguf = new Parameters.Gguf(type);
        double[] shares = new double[rounds];
        double[] copyRates = new double[rounds];
        double[] weightRates = new double[rounds];
        double peakMebibytes = 0;
        try (Scratch scratch = Scratch.create()) {
            long wanted = parse(parameters);
            requireSpace(scratch.folder(), 6 * wanted);
            SyntheticCheckpoint checkpoint = SyntheticCheckpoint.write(scratch.resolve("checkpoint"), wanted, 1);
            long bytes = weightBytes(checkpoint.folder());
            System.out.printf(
                    Locale.ROOT,
                    "%.2f billion parameters, %.2f GB in BF16, %s, %d threads%n",
                    checkpoint.parameters() / 1e9,
                    bytes / 1e9,
                    type,
                    Runtime.getRuntime().availableProcessors());
            for (int round = -1; round < rounds; round++) {
                double copySeconds = seconds(() -> copy(checkpoint.folder(), scratch.resolve("copy")));
                double quantizeSeconds;
                try (ResidentMemory memory = new ResidentMemory()) {
                    Path work = scratch.resolve("work");
                    quantizeSeconds = seconds(() -> quantize(checkpoint.folder(), gguf, work));
                    peakMebibytes = Math.max(peakMebibytes, memory.peakMebibytes());
                }
                new Scratch(scratch.resolve("work")).close();
                if (round >= 0) {
                    shares[round] = copySeconds / quantizeSeconds;
                    weightRates[round] = checkpoint.parameters() / 1e6 / quantizeSeconds;
                    copyRates[round] = bytes / 1e9 / copySeconds;
                }
            }
            System.out.println("sha-256 of the output: " + modelDigest);
        }
        Figure.beside("copy, 4 MiB buffer, forced to disk, median", Figure.median(copyRates), "GB/s");
        boolean fast = !type.equals("Q8_0")
                || Figure.atLeast("speed as a share of copying, median", Figure.median(shares), SHARE_LIMIT, "");
        if (!type.equals("Q8_0")) {
            Figure.beside("speed as a share of copying, median", Figure.median(shares), "");
        }
        besidePeer(Figure.median(weightRates));
        boolean small = Figure.atMost("RssAnon + RssShmem, peak", peakMebibytes, MEMORY_LIMIT_MEBIBYTES, "MiB");
        return fast && small ? 0 : 1;
    }

    /** The peer quantizes from memory into memory, with as many threads; it reads, writes and digests nothing. */
    private void besidePeer(double rate) throws Exception {
        Figure.beside("the stage, median", rate, "million weights/s");
        Optional<PeerQuantizer> peer = PeerQuantizer.load();
        GgufType most = GgufFileType.valueOf(type).base();
        if (peer.isPresent()) {
            double theirs =
                    peer.get().millionPerSecond(most, Runtime.getRuntime().availableProcessors());
            Figure.beside("llama.cpp's quantizer, " + most + ", same threads", theirs, "million weights/s");
            Figure.beside("the stage against it", rate / theirs, "");
        }
    }

    @FunctionalInterface
    private interface Work {
        void run() throws Exception;
    }

    private static double seconds(Work work) throws Exception {
        long began = System.nanoTime();
        work.run();
        return (System.nanoTime() - began) / 1e9;
    }

    private void quantize(Path checkpoint, Parameters.Gguf gguf, Path work) throws Exception {
        Files.createDirectories(work);
        Path output = new QuantizeStage()
                .run(new StageInput<>(Map.of(Role.MODEL, checkpoint), gguf, 0, Device.CPU), new InFolder(work))
                .folder();
        for (Path file : files(output)) {
            // The writer has forced the model itself; what it left to the system is forced here.
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.force(true);
            }
            String digest = digest(file);
            if (file.toString().endsWith(".gguf")) {
                modelDigest = digest;
            }
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to);
        ByteBuffer buffer = ByteBuffer.allocateDirect(COPY_BUFFER_BYTES);
        for (Path file : files(from)) {
            Path copy = to.resolve(file.getFileName().toString());
            try (FileChannel in = FileChannel.open(file);
                    FileChannel out = FileChannel.open(copy, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                while (in.read(buffer.clear()) >= 0) {
                    buffer.flip();
                    while (buffer.hasRemaining()) {
                        out.write(buffer);
                    }
                }
                out.force(true);
            }
        }
        new Scratch(to).close();
    }

    private static String digest(Path file) throws IOException, NoSuchAlgorithmException {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 20);
        try (FileChannel in = FileChannel.open(file)) {
            while (in.read(buffer.clear()) >= 0) {
                digest.update(buffer.flip());
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }

    private static long weightBytes(Path folder) throws IOException {
        long bytes = 0;
        for (Path file : files(folder)) {
            bytes += Files.size(file);
        }
        return bytes;
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
