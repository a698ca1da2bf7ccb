package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.JobRef;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class VitalsTest extends JobProtocolFixture {
    private final ScheduledThreadPoolExecutor timer = StageRun.timer();

    @AfterEach
    void stop() {
        timer.shutdownNow();
    }

    private Vitals vitals(Duration tick, Predicate<JobRef> asked) {
        return new Vitals(
                running(),
                reports(),
                asked,
                Duration.ofMinutes(1),
                tick,
                timer,
                InstantSource.system(),
                System::nanoTime);
    }

    @Test
    void aJobThatEndsBeforeTheFirstLookLeavesNothingBehind() {
        try (Vitals _ = vitals(Duration.ofHours(1), _ -> false)) {
            assertThat(timer.getQueue()).hasSize(1);
        }

        assertThat(timer.getQueue()).isEmpty();
    }

    @Test
    @Timeout(60)
    void nobodyLooksAfterAJobThatHasEnded() throws Exception {
        CompletableFuture<Thread> looking = new CompletableFuture<>();

        try (Vitals _ = vitals(Duration.ofMillis(1), _ -> {
            looking.complete(Thread.currentThread());
            return false;
        })) {
            looking.get();
        }

        looking.get().join();
    }
}
