package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.models.PromisedMemory.Promise;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.junit.jupiter.api.AutoClose;
import org.junit.jupiter.api.Test;

class PromisedMemoryTest {
    private static final Consumer<Duration> NO_WAITING = waited -> {
        throw new IllegalStateException("waits");
    };

    private final AtomicLong free = new AtomicLong(24);
    private final AtomicLong taken = new AtomicLong(3);
    private final PromisedMemory memory = new PromisedMemory(free::get, taken::get);

    @AutoClose
    private final Promise<Long> first = take(17, NO_WAITING);

    PromisedMemoryTest() throws InterruptedException {}

    @Test
    void whatIsPromisedIsNotPromisedTwice() throws Exception {
        try (Promise<Long> beside = take(7, NO_WAITING)) {
            assertThat(beside.plan()).isEqualTo(7);
            assertThatThrownBy(() -> take(1, NO_WAITING)).hasMessage("waits");
        }
    }

    @Test
    void whatIsTakenAlreadyIsNotCountedOnceMore() throws Exception {
        taken.addAndGet(10);
        free.addAndGet(-10);

        try (Promise<Long> beside = take(7, NO_WAITING)) {
            assertThat(beside.plan()).isEqualTo(7);
        }
    }

    @Test
    void whoeverDoesNotFitWaitsForTheOther() throws Exception {
        CompletableFuture<Duration> waits = new CompletableFuture<>();
        CompletableFuture<Long> second = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try (Promise<Long> promise = take(20, waits::complete)) {
                second.complete(promise.plan());
            } catch (InterruptedException | RuntimeException e) {
                second.completeExceptionally(e);
            }
        });
        var _ = waits.get(1, TimeUnit.MINUTES);
        assertThat(second).isNotDone();

        first.close();

        assertThat(second.get(1, TimeUnit.MINUTES)).isEqualTo(20);
    }

    @Test
    void whatDoesNotFitAloneIsRefused() {
        first.close();
        first.close();

        assertThatThrownBy(() -> take(25, NO_WAITING)).isInstanceOf(NotEnoughMemoryException.class);
    }

    private Promise<Long> take(long bytes, Consumer<Duration> waiting) throws InterruptedException {
        return memory.take(
                available -> {
                    AvailableMemory.require(bytes, available, "compute");
                    return bytes;
                },
                plan -> plan,
                waiting);
    }
}
