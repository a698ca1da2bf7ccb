package io.millrace.benchmarks;

import io.millrace.events.Device;
import io.millrace.events.Digest;
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
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;

/**
 * The quantize stage as a worker runs it, on one checkpoint; its output is forced to disk, digested and deleted.
 *
 * @param work a folder that does not exist yet
 */
record QuantizeRun(SyntheticCheckpoint checkpoint, Parameters.Quantize wanted, Path work) {
    /**
     * What one run took and made.
     *
     * @param seconds until the output was digested
     * @param digestSeconds of these, after the stage was done; next to none where the stage digests what it writes
     * @param processorSeconds of all threads until the stage was done
     * @param digest of the largest file
     * @param weights how many are in blocks of which type; none where the output is no GGUF
     */
    record Outcome(
            double seconds,
            double digestSeconds,
            double processorSeconds,
            String digest,
            double peakMebibytes,
            Map<GgufType, Long> weights) {}

    Outcome with(int threads) throws Exception {
        Files.createDirectories(work);
        try (ResidentMemory memory = new ResidentMemory();
                Scratch scratch = new Scratch(work)) {
            double processor = processorSeconds();
            long began = System.nanoTime();
            Map<Path, Digest> digests = new ConcurrentHashMap<>();
            Path output = new QuantizeStage(threads)
                    .run(
                            new StageInput<>(Map.of(Role.MODEL, checkpoint.folder()), wanted, 0, Device.CPU),
                            new InFolder(scratch.folder(), digests))
                    .folder();
            long done = System.nanoTime();
            processor = processorSeconds() - processor;
            String digest = new ForcedFiles(output).forcedDigest(digests);
            long digested = System.nanoTime();
            return new Outcome(
                    (digested - began) / 1e9,
                    (digested - done) / 1e9,
                    processor,
                    digest,
                    memory.peakMebibytes(),
                    weights(output));
        }
    }

    private static double processorSeconds() {
        return ProcessHandle.current()
                        .info()
                        .totalCpuDuration()
                        .orElse(Duration.ZERO)
                        .toNanos()
                / 1e9;
    }

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

    private record InFolder(Path folder, Map<Path, Digest> known) implements Workspace {
        @Override
        public void progress(long done, long total, String message) {}

        @Override
        public Optional<BiConsumer<Path, Digest>> digests() {
            return Optional.of((file, digest) -> known.put(file.toAbsolutePath(), digest));
        }
    }
}
