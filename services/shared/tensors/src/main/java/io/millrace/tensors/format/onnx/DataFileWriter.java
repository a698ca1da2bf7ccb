package io.millrace.tensors.format.onnx;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.Outcome;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.file.OutputFile;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Writes the file of weights: threads compute blocks of rows, the caller's thread puts them in their places, codes and
 * scales of a matrix each in its own. At most {@code threads + 1} blocks exist at a time, so memory is bounded whatever
 * the size of the model. Closed before it finished, it deletes what it wrote.
 */
final class DataFileWriter implements AutoCloseable {
    private final Path file;
    private final Path folder;
    private final Path partial;
    private final DataLayout layout;
    private final OutputFile output;
    private final ExecutorService pool;
    private final Deque<WeightBlock.Buffers> idle = new ArrayDeque<>();
    private final Deque<Pending> pending = new ArrayDeque<>();
    private final List<TensorReport> reports = new ArrayList<>();
    private Deviation sum = Deviation.NONE;
    private long doneBytes;

    /** A block in work. */
    private record Pending(WeightBlock block, WeightBlock.Buffers buffers, Future<Deviation> deviation) {}

    DataFileWriter(Path folder, String name, DataLayout layout, int threads) throws IOException {
        if (threads < 1) {
            throw new IllegalArgumentException("threads is " + threads + ", expected at least 1");
        }
        this.folder = folder;
        this.file = folder.resolve(name);
        this.partial = folder.resolve("." + name + ".partial");
        this.layout = layout;
        this.output = OutputFile.create(partial, false);
        this.pool = Executors.newFixedThreadPool(
                threads, Thread.ofPlatform().daemon().name("onnx-", 0).factory());
        for (int i = 0; i < threads + 1; i++) {
            idle.add(new WeightBlock.Buffers());
        }
    }

    /** One report per tensor of the checkpoint, in the order of the file. */
    List<TensorReport> write(Checkpoint checkpoint, Progress progress) throws IOException, InterruptedException {
        for (PlannedWeight weight : layout.weights()) {
            long rows = weight.shape().rows();
            long step = WeightBlock.rowsPerBlock(weight);
            for (long row = 0; row < rows; row += step) {
                if (idle.isEmpty()) {
                    drain(progress);
                }
                WeightBlock block = new WeightBlock(weight, row, Math.min(rows, row + step));
                WeightBlock.Buffers buffers = idle.remove();
                pending.add(new Pending(block, buffers, pool.submit(() -> block.compute(checkpoint, buffers))));
            }
        }
        while (!pending.isEmpty()) {
            drain(progress);
        }
        output.finish();
        output.close();
        Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
        DurableFiles.forceFolder(folder);
        return List.copyOf(reports);
    }

    /** Waits for the oldest block and writes it. */
    private void drain(Progress progress) throws IOException, InterruptedException {
        Pending oldest = pending.remove();
        sum = sum.plus(Outcome.of(oldest.deviation()));
        WeightBlock block = oldest.block();
        output.write(ByteBuffer.wrap(oldest.buffers().data(), 0, block.dataBytes()), block.dataOffset());
        if (block.scaleByteCount() > 0) {
            output.write(
                    ByteBuffer.wrap(oldest.buffers().scaleBytes(), 0, block.scaleByteCount()), block.scaleOffset());
        }
        idle.add(oldest.buffers());
        doneBytes += block.dataBytes() + block.scaleByteCount();
        progress.advance(doneBytes, layout.weightBytes(), block.weight().name());
        if (block.to() == block.weight().shape().rows()) {
            report(block.weight());
            sum = Deviation.NONE;
        }
    }

    private void report(PlannedWeight weight) {
        String type = switch (weight.source()) {
            case PlannedWeight.Codes codes -> "INT" + codes.bits();
            case PlannedWeight.Dense dense -> dense.type().name();
            case PlannedWeight.Turns _ -> "";
        };
        if (!type.isEmpty()) {
            reports.add(new TensorReport(
                    weight.name(),
                    type,
                    weight.shape(),
                    weight.byteSize(),
                    sum.relativeError(),
                    sum.maxError(),
                    sum.zerosBefore(),
                    sum.zerosAfter(),
                    ""));
        }
    }

    /** Lets the blocks in work end, since they read the checkpoint, then removes an unfinished file. */
    @Override
    public void close() throws IOException {
        pending.forEach(block -> block.deviation().cancel(false));
        pool.close();
        output.close();
        Files.deleteIfExists(partial);
    }
}
