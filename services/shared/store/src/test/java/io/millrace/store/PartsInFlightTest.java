package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class PartsInFlightTest {
    @Test
    void answersKeepTheOrderOfTheRequests() throws Exception {
        CountDownLatch secondIsDone = new CountDownLatch(1);
        List<Integer> answers = new ArrayList<>();
        try (PartsInFlight<Integer> parts = new PartsInFlight<>(2)) {
            parts.add(() -> {
                        secondIsDone.await();
                        return 1;
                    })
                    .ifPresent(answers::add);
            parts.add(() -> {
                        secondIsDone.countDown();
                        return 2;
                    })
                    .ifPresent(answers::add);
            assertThat(answers).isEmpty();

            parts.add(() -> 3).ifPresent(answers::add);

            assertThat(answers).as("the third had to wait for the first").containsExactly(1);
            answers.addAll(parts.rest());
        }
        assertThat(answers).containsExactly(1, 2, 3);
    }

    /** An upload that is aborted while a part of it is on its way may keep the part. */
    @Test
    void whenOneFailsTheOthersHaveEndedBeforeItIsHeardOf() {
        AtomicBoolean ended = new AtomicBoolean();
        CountDownLatch runs = new CountDownLatch(1);

        assertThatThrownBy(() -> {
                    try (PartsInFlight<Integer> parts = new PartsInFlight<>(2)) {
                        parts.add(() -> {
                            runs.await();
                            throw new IOException("part 1 was refused");
                        });
                        parts.add(() -> {
                            try {
                                runs.countDown();
                                new CountDownLatch(1).await();
                                return 2;
                            } finally {
                                ended.set(true);
                            }
                        });
                        parts.rest();
                    }
                })
                .isInstanceOf(IOException.class)
                .hasMessage("part 1 was refused");
        assertThat(ended).isTrue();
    }
}
