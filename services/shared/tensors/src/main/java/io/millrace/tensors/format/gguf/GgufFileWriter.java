package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.Outcome;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.file.OutputFile;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
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
 * Sends row blocks through a pool of threads, and writes and digests them in order on the caller's thread: a file takes
 * one write at a time, for which threads of their own would wait. At most twice {@code threads} blocks exist at a time, so
 * memory is bounded whatever the size of the model. Closed before it finished, it deletes what it wrote.
 */
final class GgufFileWriter implements AutoCloseable {
    private final List<Path> files;
    private final Path folder;
    private final Optional<BiConsumer<Path, byte[]>> digests;
    private final Deque<Path> unfinished = new ArrayDeque<>();
    private final ExecutorService pool;
    private final int mostPending;
    private final Queue<RowBlock.Buffers> idle = new ConcurrentLinkedQueue<>();
    private final Queue<byte[]> written = new ConcurrentLinkedQueue<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** A block in work, and how many zeros follow it. */
    private record Pending(RowBlock block, int padding, Future<Quantized> quantized) {}

    /** A block's bytes, in an array that is used again. */
    private record Quantized(ByteBuffer bytes, Deviation deviation) {}

    /**
     * @param files in the order of the parts, all in one folder
     * @param digests takes each file's SHA-256 once all are finished; computed while others quantize
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
            unfinished.push(partial);
            try (OutputFile file = OutputFile.create(partial, digests.isPresent())) {
                write(parts.get(i), file, checkpoint, reports);
                file.finish().ifPresent(hashes::add);
            }
        }
        // A model is opened by its first part, which is there once all are.
        for (Path file : files.reversed()) {
            Files.move(partial(file), file, StandardCopyOption.ATOMIC_MOVE);
            unfinished.push(file);
        }
        DurableFiles.forceFolder(folder);
        unfinished.clear();
        for (int i = 0; i < hashes.size(); i++) {
            digests.orElseThrow().accept(files.get(i), hashes.get(i));
        }
        return reports.finished();
    }

    private static Path partial(Path file) {
        return file.resolveSibling("." + file.getFileName() + ".partial");
    }

    private void write(GgufPlan.Part part, OutputFile file, Checkpoint checkpoint, GgufReports reports)
            throws IOException, InterruptedException {
        try (OutputStream head = new BufferedOutputStream(file.appending())) {
            GgufHeaderEncoder.write(part.header(), head);
        }
        for (PlannedTensor tensor : part.tensors()) {
            GgufTensor target = tensor.target();
            long rows = target.shape().rows();
            long end = target.offset() + target.byteSize();
            int padding = (int) (GgufHeader.padded(end, part.header().alignment()) - end);
            long step = RowBlock.rowsPerBlock(tensor);
            for (long row = 0; row < rows; row += step) {
                if (pending.size() == mostPending) {
                    drain(file, reports);
                }
                RowBlock block = new RowBlock(tensor, row, Math.min(rows, row + step));
                pending.add(new Pending(
                        block, block.to() == rows ? padding : 0, pool.submit(() -> quantize(block, checkpoint))));
            }
        }
        while (!pending.isEmpty()) {
            drain(file, reports);
        }
    }

    private Quantized quantize(RowBlock block, Checkpoint checkpoint) throws IOException {
        RowBlock.Buffers last = idle.poll();
        RowBlock.Buffers buffers = last == null ? new RowBlock.Buffers() : last;
        Deviation deviation = block.quantize(checkpoint, buffers);
        byte[] bytes = buffers.exchange(written.poll());
        idle.add(buffers);
        return new Quantized(ByteBuffer.wrap(bytes, 0, block.byteCount()), deviation);
    }

    /** Waits for the oldest block and writes it. */
    private void drain(OutputFile file, GgufReports reports) throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        Quantized quantized = Outcome.of(oldest.quantized());
        file.append(quantized.bytes());
        if (oldest.padding() > 0) {
            file.append(ByteBuffer.allocate(oldest.padding()));
        }
        written.add(quantized.bytes().array());
        reports.add(oldest.block(), quantized.deviation());
    }

    /** Lets the blocks in work end, since they read the checkpoint, then removes what is unfinished. */
    @Override
    public void close() throws IOException {
        pending.forEach(block -> block.quantized().cancel(false));
        pool.close();
        for (Path file : unfinished) {
            Files.deleteIfExists(file);
        }
    }
}
