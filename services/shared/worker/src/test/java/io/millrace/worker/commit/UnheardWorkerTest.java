package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Event;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.Reason;
import io.millrace.store.Acquired;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ClaimKeeper;
import io.millrace.store.MonotonicTime;
import io.millrace.worker.StageException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker that the store answers and Kafka does not, for as long as it lives. */
class UnheardWorkerTest extends JobProtocolFixture {
    private final AtomicLong nanos = new AtomicLong();

    @ParameterizedTest
    @ValueSource(classes = {JobStarted.class, JobFailed.class})
    @Timeout(30)
    @Tag("promise-1")
    @DisplayName("Promise 1: a worker that alone lost Kafka does not keep its job from the others")
    void aWorkerThatAloneLostKafkaDoesNotKeepItsJobFromTheOthers(Class<? extends Event> unheard) throws Exception {
        store = beatingOften();
        kafkaTakes = event -> {
            if (unheard.isInstance(event)) {
                nanos.addAndGet(JobProtocol.UNHEARD.toNanos() + 1);
                anotherTakesOver();
            }
            return true;
        };

        run(new RunningJob(job, Duration.ofSeconds(10), nanos::get), (_, _) -> {
            throw new StageException(Reason.NOT_FINITE, "lm_head.weight has 3 NaN");
        });

        assertThat(published).hasSize(2);
        assertThat(memory.claim(job.key())).isEmpty();
    }

    /** Returns when it has, however often it finds the job taken before. */
    private void anotherTakesOver() {
        try (ClaimKeeper others = new ClaimKeeper(store, MonotonicTime.SYSTEM)) {
            while (true) {
                if (others.acquire(job.key(), "other") instanceof Acquired.Held held) {
                    assertThat(held.lease().starts()).isEqualTo(2);
                    held.lease().close();
                    return;
                }
            }
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    private ArtifactStore beatingOften() {
        return (ArtifactStore) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {ArtifactStore.class}, (_, called, arguments) -> {
                    if (called.getName().equals("beatInterval")) {
                        return Duration.ofMillis(100);
                    }
                    try {
                        return called.invoke(memory, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
