package io.millrace.client;

/** Told, often, how many of the bytes have been read. */
@FunctionalInterface
public interface ByteProgress {
    /** Nobody watches. */
    ByteProgress UNWATCHED = (_, _) -> {};

    void show(long doneBytes, long totalBytes);
}
