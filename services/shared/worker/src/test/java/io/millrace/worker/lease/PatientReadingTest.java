package io.millrace.worker.lease;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class PatientReadingTest {
    private final PatientReading reading = new PatientReading(Duration.ofMillis(1), Duration.ofMillis(2));
    private final AtomicInteger kept = new AtomicInteger();

    @Test
    void aSchemaThatCannotBeAskedForIsAskedForAgainWhileTheLeaseIsKept() throws Exception {
        AtomicInteger asked = new AtomicInteger();

        assertThat(reading.read(
                        () -> {
                            if (asked.incrementAndGet() < 10) {
                                throw new TimeoutException("no answer");
                            }
                            return "read";
                        },
                        kept::incrementAndGet,
                        () -> false))
                .contains("read");

        assertThat(asked).hasValue(10);
        assertThat(kept).hasValueGreaterThanOrEqualTo(9);
    }

    @Test
    void theLeaseIsKeptWhileKafkaDoesNotAnswer() throws Exception {
        CountDownLatch answer = new CountDownLatch(1);

        assertThat(reading.read(
                        () -> {
                            awaitQuietly(answer);
                            return "read";
                        },
                        () -> {
                            if (kept.incrementAndGet() == 3) {
                                answer.countDown();
                            }
                        },
                        () -> false))
                .contains("read");
    }

    @Test
    void aWorkerThatStopsOrLostTheLeaseWaitsNoLonger() throws Exception {
        assertThat(reading.read(
                        () -> {
                            throw new TimeoutException("no answer");
                        },
                        kept::incrementAndGet,
                        () -> kept.get() > 3))
                .isEmpty();
        assertThat(reading.read(
                        () -> {
                            awaitQuietly(new CountDownLatch(1));
                            return "never";
                        },
                        kept::incrementAndGet,
                        () -> kept.get() > 6))
                .isEmpty();
    }

    @Test
    void anyOtherFaultComesThrough() {
        assertThatThrownBy(() -> reading.read(
                        () -> {
                            throw new IllegalStateException("ours");
                        },
                        kept::incrementAndGet,
                        () -> false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("ours");
    }

    private static void awaitQuietly(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
