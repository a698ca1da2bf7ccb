package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.Outcome;
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
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Sends row blocks through a pool of threads, each of which writes its blocks to their places in the file: what is written
 * is still in that core's cache, and no thread waits for another's block. At most {@code threads} blocks exist at a time,
 * so memory is bounded whatever the size of the model. Closed before it finished, it deletes what it wrote.
 */
final class GgufFileWriter implements AutoCloseable {
    private final List<Path> files;
    private final Path folder;
    private final Deque<Path> written = new ArrayDeque<>();
    private final ExecutorService pool;
    private final int mostPending;
    private final Queue<RowBlock.Buffers> idle = new ConcurrentLinkedQueue<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** A block in work; its deviation is there once it is written. */
    private record Pending(RowBlock block, Future<Deviation> deviation) {}

    /** @param files in the order of the parts, all in one folder */
    GgufFileWriter(List<Path> files, int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", expected at least 1");
        }
        this.files = files.stream().map(Path::toAbsolutePath).toList();
        this.folder = Objects.requireNonNull(this.files.getFirst().getParent(), "a file has a folder");
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().daemon().name("gguf-", 0).factory());
        // As many wait as are in work: no thread is idle while this one sums up.
        this.mostPending = 2 * threads;
    }

    List<TensorReport> write(List<GgufPlan.Part> parts, Checkpoint checkpoint, Progress progress)
            throws IOException, InterruptedException {
        GgufReports reports = new GgufReports(
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
            GgufPlan.Part part, FileChannel channel, WriteBehind behind, Checkpoint checkpoint, GgufReports reports)
            throws IOException, InterruptedException {
        byte[] header = GgufHeaderEncoder.encode(part.header());
        write(channel, ByteBuffer.wrap(header), 0);
        for (PlannedTensor tensor : part.tensors()) {
            GgufTensor target = tensor.target();
            long begin = header.length + target.offset();
            long step = RowBlock.rowsPerBlock(tensor);
            for (long row = 0; row < target.shape().rows(); row += step) {
                if (pending.size() == mostPending) {
                    drain(behind, reports);
                }
                RowBlock block =
                        new RowBlock(tensor, row, Math.min(target.shape().rows(), row + step));
                pending.add(new Pending(block, pool.submit(() -> write(block, channel, begin, checkpoint))));
            }
            long end = target.offset() + target.byteSize();
            long padded = GgufHeader.padded(end, part.header().alignment());
            write(channel, ByteBuffer.allocate((int) (padded - end)), header.length + end);
        }
        while (!pending.isEmpty()) {
            drain(behind, reports);
        }
    }

    private Deviation write(RowBlock block, FileChannel channel, long begin, Checkpoint checkpoint) throws IOException {
        RowBlock.Buffers last = idle.poll();
        RowBlock.Buffers buffers = last == null ? new RowBlock.Buffers() : last;
        Deviation deviation = block.quantize(checkpoint, buffers);
        write(channel, ByteBuffer.wrap(buffers.bytes(), 0, block.byteCount()), begin + block.byteOffset());
        idle.add(buffers);
        return deviation;
    }

    /** Waits for the oldest block. */
    private void drain(WriteBehind behind, GgufReports reports) throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        Deviation deviation = Outcome.of(oldest.deviation());
        behind.written(oldest.block().byteCount());
        reports.add(oldest.block(), deviation);
    }

    private static void write(FileChannel channel, ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
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
