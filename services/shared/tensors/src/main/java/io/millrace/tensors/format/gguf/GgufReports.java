package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.kernel.gguf.Deviation;
import java.util.ArrayList;
import java.util.List;

/** The blocks' deviations, summed per tensor in the order of the file. */
final class GgufReports {
    private final List<TensorReport> finished = new ArrayList<>();
    private final Progress progress;
    private final long totalBytes;
    private Deviation sum = Deviation.NONE;
    private long doneBytes;

    GgufReports(Progress progress, long totalBytes) {
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
