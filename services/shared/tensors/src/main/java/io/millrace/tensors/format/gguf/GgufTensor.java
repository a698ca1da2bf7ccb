package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Encoding;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;

/**
 * A tensor as a GGUF header lists it.
 *
 * @param name as GGUF names it
 * @param shape in torch order; the file writes the extents reversed
 * @param offset first byte, counted from the start of the data section
 */
public record GgufTensor(String name, GgufType type, Shape shape, long offset) {
    public long byteSize() {
        return new Encoding.Blocks(type).byteSize(shape);
    }
}
