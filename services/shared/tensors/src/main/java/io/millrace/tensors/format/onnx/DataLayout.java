package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Which bytes of the file of weights hold what: the checkpoint's tensors in the architecture's order, then the rotary
 * tables. Each tensor begins at a multiple of 4096 bytes, one of more than a MiB at a multiple of 64 KiB, so that every
 * system can map it.
 */
final class DataLayout {
    private static final long PAGE = 4096;
    private static final long LARGE_PAGE = 1 << 16;
    private static final long LARGE = 1 << 20;

    private final List<PlannedWeight> weights = new ArrayList<>();
    private final List<ExternalTensor> tensors = new ArrayList<>();
    private long end;

    DataLayout(Checkpoint checkpoint, OnnxType type) {
        ModelConfig config = checkpoint.config();
        for (TensorRule rule : checkpoint.rules()) {
            if (WeightNames.inBlocks(rule, config)) {
                addBlocks(rule, type.bits());
            } else {
                addDense(rule, denseType(rule, checkpoint), config);
            }
        }
        for (RotaryTable table : RotaryTable.of(config)) {
            addTurns(table, false);
            addTurns(table, true);
        }
    }

    /** An embedding that is only looked up stays as it is; what is computed with is F32. */
    private static DType denseType(TensorRule rule, Checkpoint checkpoint) {
        return rule.role() instanceof TensorRole.Embedding ? checkpoint.type(rule.name()) : DType.F32;
    }

    private void addBlocks(TensorRule rule, int bits) {
        ExternalTensor codes =
                place(WeightNames.codes(rule.name(), bits), ElementType.UINT8, WeightNames.codesShape(rule, bits));
        ExternalTensor scales =
                place(WeightNames.scales(rule.name()), ElementType.FLOAT, WeightNames.scalesShape(rule.shape()));
        if (rule.role() instanceof TensorRole.Embedding) {
            tensors.add(new ExternalTensor(
                    WeightNames.codes(WeightNames.HEAD, bits),
                    ElementType.UINT8,
                    WeightNames.multiplied(rule.shape(), bits),
                    codes.offset()));
        }
        weights.add(new PlannedWeight(new PlannedWeight.Codes(rule, bits), rule.shape(), codes, Optional.of(scales)));
    }

    private void addDense(TensorRule rule, DType type, ModelConfig config) {
        boolean offset =
                rule.role() instanceof TensorRole.Norm && config.architecture().has(Trait.NORM_OFFSET);
        weights.add(new PlannedWeight(
                new PlannedWeight.Dense(rule, type, offset),
                rule.shape(),
                place(rule.name(), ElementType.of(type), rule.shape()),
                Optional.empty()));
    }

    private void addTurns(RotaryTable table, boolean sine) {
        Shape shape = Shape.of(table.positions(), table.rotarySize() / 2);
        weights.add(new PlannedWeight(
                new PlannedWeight.Turns(table, sine),
                shape,
                place(sine ? table.sines() : table.cosines(), ElementType.FLOAT, shape),
                Optional.empty()));
    }

    private ExternalTensor place(String name, ElementType type, Shape shape) {
        long bytes = type.byteSize(shape.elements());
        long alignment = bytes > LARGE ? LARGE_PAGE : PAGE;
        ExternalTensor tensor = new ExternalTensor(name, type, shape, Math.ceilDiv(end, alignment) * alignment);
        end = Math.addExact(tensor.offset(), bytes);
        tensors.add(tensor);
        return tensor;
    }

    /** What is to be written, in the order of the file. */
    List<PlannedWeight> weights() {
        return List.copyOf(weights);
    }

    /** Every initializer of the graph that lies in the file. */
    List<ExternalTensor> tensors() {
        return List.copyOf(tensors);
    }

    /** Bytes of all that is to be written. */
    long weightBytes() {
        return weights.stream().mapToLong(PlannedWeight::byteSize).sum();
    }
}
