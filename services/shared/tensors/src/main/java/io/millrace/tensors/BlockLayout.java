package io.millrace.tensors;

/** How a ggml type lays out a row: in blocks of so many elements, which take so many bytes. */
public sealed interface BlockLayout permits GgufType, ForeignGgufType {
    /** As llama.cpp names the type. */
    String name();

    /** The number that GGUF files write. */
    int id();

    int blockElements();

    int blockBytes();

    /** Bytes of a row of {@code elements} elements, which must be whole blocks. */
    default long rowBytes(long elements) {
        return elements / blockElements() * blockBytes();
    }
}
