package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.Outcome;
import io.millrace.tensors.format.safetensors.DurableFiles;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiConsumer;

/**
 * Sends row blocks through a pool of threads, each of which writes its blocks to their places in the file: what is written
 * is still in that core's cache, and no thread waits for another's block. At most {@code threads} blocks exist at a time,
 * so memory is bounded whatever the size of the model. Closed before it finished, it deletes what it wrote.
 */
final class GgufFileWriter implements AutoCloseable {
    private final List<Path> files;
    private final Path folder;
    private final Optional<BiConsumer<Path, byte[]>> digests;
    private final Deque<Path> written = new ArrayDeque<>();
    private final ExecutorService pool;
    private final int mostPending;
    private final Queue<RowBlock.Buffers> idle = new ConcurrentLinkedQueue<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** A block in work, which ends at this byte of the file; its deviation is there once it is written. */
    private record Pending(RowBlock block, long end, Future<Deviation> deviation) {}

    /**
     * @param files in the order of the parts, all in one folder
     * @param digests takes each file's SHA-256 once all are finished; computed by the caller's thread while others quantize
     */
    GgufFileWriter(List<Path> files, int threads, Optional<BiConsumer<Path, byte[]>> digests) {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", expected at least 1");
        }
        this.files = files.stream().map(Path::toAbsolutePath).toList();
        this.digests = digests;
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
        List<byte[]> hashes = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Path partial = partial(files.get(i));
            written.push(partial);
            try (PartFile file = PartFile.create(partial, digests.isPresent())) {
                write(parts.get(i), file, checkpoint, reports).ifPresent(hashes::add);
            }
        }
        // A model is opened by its first part, which is there once all are.
        for (Path file : files.reversed()) {
            Files.move(partial(file), file, StandardCopyOption.ATOMIC_MOVE);
            written.push(file);
        }
        DurableFiles.forceFolder(folder);
        written.clear();
        for (int i = 0; i < hashes.size(); i++) {
            digests.orElseThrow().accept(files.get(i), hashes.get(i));
        }
        return reports.finished();
    }

    private static Path partial(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".partial");
    }

    private Optional<byte[]> write(GgufPlan.Part part, PartFile file, Checkpoint checkpoint, GgufReports reports)
            throws IOException, InterruptedException {
        byte[] header = GgufHeaderEncoder.encode(part.header());
        file.write(ByteBuffer.wrap(header), 0);
        for (PlannedTensor tensor : part.tensors()) {
            GgufTensor target = tensor.target();
            long begin = header.length + target.offset();
            long step = RowBlock.rowsPerBlock(tensor);
            for (long row = 0; row < target.shape().rows(); row += step) {
                if (pending.size() == mostPending) {
                    drain(file, reports);
                }
                RowBlock block =
                        new RowBlock(tensor, row, Math.min(target.shape().rows(), row + step));
                pending.add(new Pending(
                        block,
                        begin + block.byteOffset() + block.byteCount(),
                        pool.submit(() -> write(block, file, begin, checkpoint))));
            }
            long end = target.offset() + target.byteSize();
            long padded = GgufHeader.padded(end, part.header().alignment());
            file.write(ByteBuffer.allocate((int) (padded - end)), header.length + end);
        }
        while (!pending.isEmpty()) {
            drain(file, reports);
        }
        return file.finish(header.length + part.header().dataBytes());
    }

    private Deviation write(RowBlock block, PartFile file, long begin, Checkpoint checkpoint) throws IOException {
        RowBlock.Buffers last = idle.poll();
        RowBlock.Buffers buffers = last == null ? new RowBlock.Buffers() : last;
        Deviation deviation = block.quantize(checkpoint, buffers);
        file.write(ByteBuffer.wrap(buffers.bytes(), 0, block.byteCount()), begin + block.byteOffset());
        idle.add(buffers);
        return deviation;
    }

    /** Waits for the oldest block; all before it in the file are written. */
    private void drain(PartFile file, GgufReports reports) throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        Deviation deviation = Outcome.of(oldest.deviation());
        file.written(oldest.block().byteCount(), oldest.end());
        reports.add(oldest.block(), deviation);
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
