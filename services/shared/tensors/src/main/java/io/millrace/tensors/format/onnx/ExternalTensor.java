package io.millrace.tensors.format.onnx;

import io.millrace.tensors.Shape;

/**
 * An initializer whose bytes lie in a file beside the graph. Two may name the same bytes.
 *
 * @param offset of its first byte in the file
 */
record ExternalTensor(String name, ElementType type, Shape shape, long offset) {
    long byteSize() {
        return type.byteSize(shape.elements());
    }
}
