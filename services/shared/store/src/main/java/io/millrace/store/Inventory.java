package io.millrace.store;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * What a store holds, for those who look after it: {@link StoreCheck}, {@link GarbageCollection}. Ages are told by the store's
 * own clock, the file system's or the server's; this machine's may be another.
 */
public interface Inventory {
    /** A blob, and how long ago it was last put. */
    record Blob(Digest digest, long sizeBytes, Duration age) {}

    /** A committed result that was not taken away; it may be damaged. */
    record Result(JobKey key, Duration age) {}

    /** Something that a process was writing when it died, or is writing now. */
    record Leftover(String name, Duration age) {}

    /** What is done with each blob. */
    interface Visitor {
        void visit(Blob blob) throws IOException, InterruptedException;
    }

    /** Shows every blob, in the order of the first two digits; a store may hold more than fits into memory at once. */
    void blobs(Visitor visitor) throws IOException, InterruptedException;

    List<Result> results() throws IOException;

    /** Keys that somebody claimed, alive or not. */
    List<JobKey> claims() throws IOException;

    List<Leftover> leftovers() throws IOException;

    /**
     * Deletes those of these blobs that were not put again: {@link ArtifactStore#put(byte[])} promises that a blob stays
     * for a while, also one that was there and that nothing names yet. Their digests have the first two digits in common.
     *
     * @param grace what is younger stays
     * @return what was deleted
     */
    List<Blob> delete(List<Blob> blobs, Duration grace) throws IOException, InterruptedException;

    /** Where a person finds the blob: a path, or a key. */
    String place(Digest blob);

    /** Where a person finds the result that stands. */
    String place(JobKey key) throws IOException;
}
