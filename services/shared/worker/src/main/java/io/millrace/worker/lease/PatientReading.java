package io.millrace.worker.lease;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a record for as long as its schema cannot be asked for. Its lease is kept meanwhile: given back, it would come
 * again at once, and a record that was delivered too often is gone without a word.
 *
 * @param tick between two looks at the lease
 * @param pause before the schema is asked for again
 */
record PatientReading(Duration tick, Duration pause) {
    private static final Logger LOG = LoggerFactory.getLogger(PatientReading.class);

    /**
     * @param reading may take longer than a lease lasts
     * @param keep renews the lease if it is time
     * @param over nobody needs what is read any more
     * @return empty if it was over first
     */
    <T> Optional<T> read(Supplier<T> reading, Runnable keep, BooleanSupplier over) throws InterruptedException {
        boolean told = false;
        while (!over.getAsBoolean()) {
            try {
                return await(begin(reading), keep, over);
            } catch (KafkaException e) {
                if (!told) {
                    LOG.warn(
                            "the schema of a record cannot be asked for; the record is kept until it can: {}",
                            e.toString());
                }
                told = true;
            }
            for (long left = pause.toNanos(); left > 0 && !over.getAsBoolean(); left -= tick.toNanos()) {
                TimeUnit.NANOSECONDS.sleep(Math.min(left, tick.toNanos()));
                keep.run();
            }
        }
        return Optional.empty();
    }

    private static <T> CompletableFuture<T> begin(Supplier<T> reading) {
        CompletableFuture<T> read = new CompletableFuture<>();
        Thread.ofVirtual().name("reading").start(() -> {
            try {
                read.complete(reading.get());
            } catch (Throwable thrown) {
                read.completeExceptionally(thrown);
            }
        });
        return read;
    }

    private <T> Optional<T> await(CompletableFuture<T> read, Runnable keep, BooleanSupplier over)
            throws InterruptedException {
        while (!over.getAsBoolean()) {
            try {
                return Optional.of(read.get(tick.toNanos(), TimeUnit.NANOSECONDS));
            } catch (TimeoutException e) {
                keep.run();
            } catch (ExecutionException e) {
                switch (e.getCause()) {
                    case RuntimeException thrown -> throw thrown;
                    case Error thrown -> throw thrown;
                    case null, default -> throw new IllegalStateException(e);
                }
            }
        }
        return Optional.empty();
    }
}
