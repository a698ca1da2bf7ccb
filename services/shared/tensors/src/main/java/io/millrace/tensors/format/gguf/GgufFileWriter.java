package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.safetensors.DurableFiles;
import io.millrace.tensors.format.safetensors.WriteBehind;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Sends row blocks through a pool of threads and writes them in order. At most {@code threads + 1} blocks exist at a
 * time, so memory is bounded whatever the size of the model. Closed before it finished, it deletes what it wrote.
 */
final class GgufFileWriter implements AutoCloseable {
    private final List<Path> files;
    private final Path folder;
    private final Deque<Path> written = new ArrayDeque<>();
    private final ExecutorService pool;
    private final Deque<RowBlock.Buffers> idle = new ArrayDeque<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** A block in work. */
    private record Pending(RowBlock block, RowBlock.Buffers buffers, Future<Deviation> deviation) {}

    /** @param files in the order of the parts, all in one folder */
    GgufFileWriter(List<Path> files, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", expected at least 1");
        }
        this.files = files.stream().map(Path::toAbsolutePath).toList();
        this.folder = Objects.requireNonNull(this.files.getFirst().getParent(), "a file has a folder");
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().daemon().name("gguf-", 0).factory());
        for (int i = 0; i < threads + 1; i++) {
            idle.add(new RowBlock.Buffers());
        }
    }

    List<TensorReport> write(List<GgufPlan.Part> parts, Checkpoint checkpoint, Progress progress)
            throws IOException, InterruptedException {
        Reports reports = new Reports(
                progress,
                parts.stream().mapToLong(part -> part.header().dataBytes()).sum());
        for (int i = 0; i < parts.size(); i++) {
            Path partial = partial(files.get(i));
            written.push(partial);
            try (FileChannel channel = FileChannel.open(
                    partial,
                    StandardOpenOption.CREATE,
                    StandardOpenOption.TRUNCATE_EXISTING,
                    StandardOpenOption.WRITE)) {
                WriteBehind behind = new WriteBehind(channel::force);
                write(parts.get(i), channel, behind, checkpoint, reports);
                behind.finish();
            }
        }
        // A model is opened by its first part, which is there once all are.
        for (Path file : files.reversed()) {
            Files.move(partial(file), file, StandardCopyOption.ATOMIC_MOVE);
            written.push(file);
        }
        DurableFiles.forceFolder(folder);
        written.clear();
        return reports.finished();
    }

    private static Path partial(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".partial");
    }

    private void write(
            GgufPlan.Part part, FileChannel channel, WriteBehind behind, Checkpoint checkpoint, Reports reports)
            throws IOException, InterruptedException {
        append(channel, ByteBuffer.wrap(GgufHeaderEncoder.encode(part.header())));
        int alignment = part.header().alignment();
        for (PlannedTensor tensor : part.tensors()) {
            long rows = tensor.target().shape().rows();
            long step = RowBlock.rowsPerBlock(tensor);
            for (long row = 0; row < rows; row += step) {
                if (idle.isEmpty()) {
                    drain(channel, behind, alignment, reports);
                }
                RowBlock block = new RowBlock(tensor, row, Math.min(rows, row + step));
                RowBlock.Buffers buffers = idle.remove();
                pending.add(new Pending(block, buffers, pool.submit(() -> block.quantize(checkpoint, buffers))));
            }
        }
        while (!pending.isEmpty()) {
            drain(channel, behind, alignment, reports);
        }
    }

    /** Waits for the oldest block and writes it. */
    private void drain(FileChannel channel, WriteBehind behind, int alignment, Reports reports)
            throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        Deviation deviation = result(oldest.deviation());
        RowBlock block = oldest.block();
        append(channel, ByteBuffer.wrap(oldest.buffers().bytes(), 0, block.byteCount()));
        behind.written(block.byteCount());
        idle.add(oldest.buffers());
        GgufTensor target = block.tensor().target();
        if (block.to() == target.shape().rows()) {
            long end = target.offset() + target.byteSize();
            append(channel, ByteBuffer.allocate((int) (GgufHeader.padded(end, alignment) - end)));
        }
        reports.add(block, deviation);
    }

    private static Deviation result(Future<Deviation> future) throws IOException, InterruptedException {
        try {
            return future.get();
        } catch (ExecutionException failed) {
            switch (failed.getCause()) {
                case IOException io -> throw io;
                case RuntimeException runtime -> throw runtime;
                case Error error -> throw error;
                case null, default -> throw new IllegalStateException(failed);
            }
        }
    }

    private static void append(FileChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    /** The blocks' deviations, summed per tensor in the order of the file. */
    private static final class Reports {
        private final List<TensorReport> finished = new ArrayList<>();
        private final Progress progress;
        private final long totalBytes;
        private Deviation sum = Deviation.NONE;
        private long doneBytes;

        Reports(Progress progress, long totalBytes) {
            this.progress = progress;
            this.totalBytes = totalBytes;
        }

        void add(RowBlock block, Deviation deviation) {
            sum = sum.plus(deviation);
            doneBytes += block.byteCount();
            GgufTensor target = block.tensor().target();
            progress.advance(doneBytes, totalBytes, target.name());
            if (block.to() < target.shape().rows()) {
                return;
            }
            if (!(block.tensor().source() instanceof PlannedTensor.Computed)) {
                finished.add(new TensorReport(
                        block.tensor().sourceName(),
                        target.type().name(),
                        target.shape(),
                        target.byteSize(),
                        sum.relativeError(),
                        sum.maxError(),
                        sum.zerosBefore(),
                        sum.zerosAfter(),
                        block.tensor().fallBack(),
                        block.tensor().note()));
            }
            sum = Deviation.NONE;
        }

        List<TensorReport> finished() {
            return List.copyOf(finished);
        }
    }

    /** Lets the blocks in work end, since they read the checkpoint, then removes what is unfinished. */
    @Override
    public void close() throws IOException {
        pending.forEach(block -> block.deviation().cancel(false));
        pool.close();
        for (Path file : written) {
            Files.deleteIfExists(file);
        }
    }
}
