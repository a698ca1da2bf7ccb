package io.millrace.tensors;

/** A tensor's name, encoding and shape; what a header says of it. */
public record TensorSpec(String name, Encoding encoding, Shape shape) {
    public static TensorSpec plain(String name, DType type, Shape shape) {
        return new TensorSpec(name, new Encoding.Plain(type), shape);
    }

    public long byteSize() {
        return encoding.byteSize(shape);
    }
}
