package io.millrace.worker.lease;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RestTest {
    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
    private final Rest rest = new Rest(nanos::get);

    @Test
    void growsWhileAQueueCannotBeReadAndStartsAnewAfterASteadyMinute() {
        assertThat(rest.left()).isZero();

        List<Long> seconds = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            rest.begin();
            seconds.add(rest.left().toSeconds());
            pass(rest.left().plusSeconds(1));
        }
        assertThat(seconds).containsExactly(1L, 2L, 4L, 8L, 15L, 15L);

        pass(Duration.ofMinutes(1));
        rest.begin();
        assertThat(rest.left()).isEqualTo(Duration.ofSeconds(1));
        pass(Duration.ofMillis(400));
        assertThat(rest.left()).isEqualTo(Duration.ofMillis(600));
    }

    private void pass(Duration time) {
        nanos.addAndGet(time.toNanos());
    }
}
