package io.millrace.tensors.format.gguf;

import io.millrace.tensors.BlockLayout;
import io.millrace.tensors.ForeignGgufType;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;

/**
 * A tensor as a GGUF header lists it.
 *
 * @param name as GGUF names it
 * @param shape in torch order; the file writes the extents reversed
 * @param offset first byte, counted from the start of the data section
 */
public record GgufTensor(String name, BlockLayout layout, Shape shape, long offset) {
    public long byteSize() {
        return Math.multiplyExact(shape.elements() / layout.blockElements(), (long) layout.blockBytes());
    }

    /** The type of a tensor whose blocks can be read; a file of another tool is asked for its {@link #layout} first. */
    public GgufType type() {
        return switch (layout) {
            case GgufType type -> type;
            case ForeignGgufType foreign -> throw new IllegalStateException("'" + name + "' is " + foreign);
        };
    }
}
