package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.safetensors.DurableFiles;
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
    private final Path file;
    private final Path folder;
    private final Path partial;
    private final GgufHeader header;
    private final FileChannel channel;
    private final ExecutorService pool;
    private final Deque<RowBlock.Buffers> idle = new ArrayDeque<>();
    private final Deque<Pending> pending = new ArrayDeque<>();

    /** A block in work. */
    private record Pending(RowBlock block, RowBlock.Buffers buffers, Future<Deviation> deviation) {}

    GgufFileWriter(Path file, GgufHeader header, int threads) throws IOException {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", expected at least 1");
        }
        this.file = file.toAbsolutePath();
        this.folder = Objects.requireNonNull(this.file.getParent(), "a file has a folder");
        this.partial = folder.resolve("." + file.getFileName() + ".partial");
        this.header = header;
        this.channel = FileChannel.open(
                partial, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().daemon().name("gguf-", 0).factory());
        for (int i = 0; i < threads + 1; i++) {
            idle.add(new RowBlock.Buffers());
        }
    }

    List<TensorReport> write(List<PlannedTensor> tensors, Checkpoint checkpoint, Progress progress)
            throws IOException, InterruptedException {
        append(ByteBuffer.wrap(GgufHeaderEncoder.encode(header)));
        Reports reports = new Reports(progress, header.dataBytes());
        for (PlannedTensor tensor : tensors) {
            long rows = tensor.target().shape().rows();
            long step = RowBlock.rowsPerBlock(tensor);
            for (long row = 0; row < rows; row += step) {
                if (idle.isEmpty()) {
                    drain(reports);
                }
                RowBlock block = new RowBlock(tensor, row, Math.min(rows, row + step));
                RowBlock.Buffers buffers = idle.remove();
                pending.add(new Pending(block, buffers, pool.submit(() -> block.quantize(checkpoint, buffers))));
            }
        }
        while (!pending.isEmpty()) {
            drain(reports);
        }
        channel.force(true);
        channel.close();
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.forceFolder(folder);
        return reports.finished();
    }

    /** Waits for the oldest block and writes it. */
    private void drain(Reports reports) throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        Deviation deviation = result(oldest.deviation());
        RowBlock block = oldest.block();
        append(ByteBuffer.wrap(oldest.buffers().bytes(), 0, block.byteCount()));
        idle.add(oldest.buffers());
        GgufTensor target = block.tensor().target();
        if (block.to() == target.shape().rows()) {
            long end = target.offset() + target.byteSize();
            append(ByteBuffer.allocate((int) (GgufHeader.padded(end, header.alignment()) - end)));
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

    private void append(ByteBuffer bytes) throws IOException {
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

    /** Lets the blocks in work end, since they read the checkpoint, then removes an unfinished file. */
    @Override
    public void close() throws IOException {
        pending.forEach(block -> block.deviation().cancel(false));
        pool.close();
        channel.close();
        Files.deleteIfExists(partial);
    }
}
