package io.millrace.tensors.format.onnx;

import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRule;
import java.util.Optional;

/**
 * Numbers that the file of weights will hold.
 *
 * @param shape of the numbers, whatever the shape of the bytes that stand for them
 * @param data where their bytes or codes go
 * @param scales where the scales of codes go
 */
record PlannedWeight(Source source, Shape shape, ExternalTensor data, Optional<ExternalTensor> scales) {
    /** Where the numbers come from, and what becomes of them. */
    sealed interface Source {}

    /** A matrix of the checkpoint, in blocks of this many bits per weight. */
    record Codes(TensorRule rule, int bits) implements Source {}

    /** A tensor of the checkpoint; the gain of a norm if that is 1 + what is stored. */
    record Dense(TensorRule rule, DType type, boolean offset) implements Source {}

    /** Sines or cosines. */
    record Turns(RotaryTable table, boolean sine) implements Source {}

    /** What a message or report calls it. */
    String name() {
        return switch (source) {
            case Codes(TensorRule rule, var _) -> rule.name();
            case Dense(TensorRule rule, var _, var _) -> rule.name();
            case Turns _ -> data.name();
        };
    }

    /** Bytes in the file. */
    long byteSize() {
        return data.byteSize() + scales.map(ExternalTensor::byteSize).orElse(0L);
    }
}
