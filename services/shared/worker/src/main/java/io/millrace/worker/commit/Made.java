package io.millrace.worker.commit;

import io.millrace.events.Digest;
import java.nio.file.Path;
import java.util.Map;

/**
 * Work that waits to be stored.
 *
 * @param digests of those of its files that the stage knew
 * @param finishedNanos since when storing is all there is to do
 */
record Made(FinishedWork work, Map<Path, Digest> digests, long finishedNanos) {}
