package io.millrace.tensors;

/** How the elements of a tensor lie in bytes. */
public sealed interface Encoding {
    /** Bytes that a tensor of this shape takes; {@link IllegalArgumentException} if its rows cannot be divided so. */
    long byteSize(Shape shape);

    /** One element after the other. */
    record Plain(DType type) implements Encoding {
        @Override
        public long byteSize(Shape shape) {
            return Math.multiplyExact(shape.elements(), (long) type.bytes());
        }
    }

    /** Blocks of a GGUF type; each row is a whole number of blocks. */
    record Blocks(GgufType type) implements Encoding {
        @Override
        public long byteSize(Shape shape) {
            if (shape.rowLength() % type.blockElements() != 0) {
                throw new IllegalArgumentException("rows of " + shape.rowLength() + " elements are not whole blocks of "
                        + type + " (" + type.blockElements() + " elements)");
            }
            return Math.multiplyExact(shape.elements() / type.blockElements(), (long) type.blockBytes());
        }
    }
}
