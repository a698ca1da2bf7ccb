package io.millrace.tensors.format.compressed;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRule;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/** Holds the tensors of a folder against what its config.json implies: each type and shape, and the numbers that tell shapes. */
final class StoredCheck {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final List<DType> FLOATS = List.of(DType.F32, DType.F16, DType.BF16);

    private final FolderTensors stored;

    StoredCheck(FolderTensors stored) {
        this.stored = stored;
    }

    /** Checks the one tensor of a dense weight; returns 1. */
    int dense(TensorRule rule) throws MalformedFileException {
        stored.require(rule.name(), rule.shape(), FLOATS);
        return 1;
    }

    /** Checks the tensors that hold one quantized weight; returns how many there are. */
    int quantized(TensorRule rule, StoredFormat.Modules modules) throws MalformedFileException {
        long out = rule.shape().extent(0);
        long in = rule.shape().extent(1);
        long groupLength = modules.groupLength(in);
        if (in == 0 || (in % groupLength != 0 && !modules.blocks())) {
            throw FolderTensors.problem(rule.name(), "has rows of " + in + ", expected a multiple of " + groupLength);
        }
        Shape scales = modules.groupRows() == 0
                ? Shape.of(1)
                : Shape.of(modules.scaleRows(out), Math.ceilDiv(in, groupLength));
        String scale = rule.module() + QuantizationConfig.WEIGHT_SCALE;
        return switch (modules.kind()) {
            case INTEGERS, FLOATS -> {
                stored.require(
                        rule.name(),
                        rule.shape(),
                        List.of(modules.kind() == StoredFormat.Kind.FLOATS ? DType.F8_E4M3 : DType.I8));
                stored.require(scale, scales, FLOATS);
                yield 2;
            }
            case PACKED_INTEGERS -> {
                stored.require(
                        rule.module() + QuantizationConfig.WEIGHT_PACKED,
                        Shape.of(out, words(in, modules)),
                        List.of(DType.I32));
                stored.require(scale, scales, FLOATS);
                checkStoredShape(rule);
                if (!modules.symmetric()) {
                    stored.require(
                            rule.module() + QuantizationConfig.WEIGHT_ZERO_POINT,
                            Shape.of(words(out, modules), in / groupLength),
                            List.of(DType.I32));
                }
                if (modules.indexed()) {
                    checkGroupIndex(rule, groupLength);
                }
                yield 3 + (modules.symmetric() ? 0 : 1) + (modules.indexed() ? 1 : 0);
            }
            case MX_FLOATS -> {
                checkPairs(rule);
                stored.require(scale, scales, List.of(DType.U8));
                yield 2;
            }
            case NV_FLOATS -> {
                checkPairs(rule);
                stored.require(scale, scales, List.of(DType.F8_E4M3));
                checkGlobalScale(rule);
                yield 3;
            }
        };
    }

    /** Two codes per byte. */
    private void checkPairs(TensorRule rule) throws MalformedFileException {
        Shape pairs = Shape.of(rule.shape().extent(0), Math.ceilDiv(rule.shape().extent(1), 2));
        stored.require(rule.module() + QuantizationConfig.WEIGHT_PACKED, pairs, List.of(DType.U8));
    }

    private void checkGlobalScale(TensorRule rule) throws MalformedFileException {
        String global = rule.module() + QuantizationConfig.WEIGHT_GLOBAL_SCALE;
        stored.require(global, Shape.of(1), List.of(DType.F32));
        float value = stored.globalScale(rule);
        if (!Float.isFinite(value) || value <= 0) {
            throw FolderTensors.problem(global, "holds " + value + ", expected a number above 0");
        }
    }

    private void checkStoredShape(TensorRule rule) throws MalformedFileException {
        String shape = rule.module() + QuantizationConfig.WEIGHT_SHAPE;
        stored.require(shape, Shape.of(2), List.of(DType.I64));
        MemorySegment values = stored.row(shape, 0);
        if (values.get(LONG, 0) != rule.shape().extent(0)
                || values.get(LONG, Long.BYTES) != rule.shape().extent(1)) {
            throw FolderTensors.problem(
                    shape,
                    "holds [" + values.get(LONG, 0) + ", " + values.get(LONG, Long.BYTES) + "], expected "
                            + rule.shape());
        }
    }

    /** Every group has as many columns as any other. */
    private void checkGroupIndex(TensorRule rule, long groupLength) throws MalformedFileException {
        String name = rule.module() + QuantizationConfig.WEIGHT_GROUP_INDEX;
        long in = rule.shape().extent(1);
        stored.require(name, Shape.of(in), List.of(DType.I32));
        int[] columns = new int[Math.toIntExact(in / groupLength)];
        for (int group : stored.groupIndex(rule)) {
            if (group < 0 || group >= columns.length) {
                throw FolderTensors.problem(
                        name, "holds " + group + ", expected numbers of groups, 0 to " + (columns.length - 1));
            }
            columns[group]++;
        }
        for (int group = 0; group < columns.length; group++) {
            if (columns[group] != groupLength) {
                throw FolderTensors.problem(
                        name, "gives group " + group + " " + columns[group] + " columns, expected " + groupLength);
            }
        }
    }

    /** Words that hold {@code codes} codes in a row. */
    private static long words(long codes, StoredFormat.Modules modules) {
        return Math.ceilDiv(Math.multiplyExact(codes, modules.code().bits()), Integer.SIZE);
    }
}
