package io.millrace.tensors.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class WriteBehindTest {
    private static final long PIECE = 32L << 20;

    private final List<Boolean> forced = new CopyOnWriteArrayList<>();

    @Test
    void whatFailedInBetweenIsThrownAtTheEnd() throws IOException {
        WriteBehind behind = new WriteBehind(metadata -> {
            if (!metadata) {
                throw new IOException("the disk is full");
            }
        });

        behind.written(PIECE);

        assertThatThrownBy(behind::finish).isInstanceOf(IOException.class).hasMessage("the disk is full");
    }

    @Test
    void everyPieceIsForcedOnTheWayAndAllAtTheEnd() throws IOException {
        WriteBehind behind = new WriteBehind(forced::add);

        behind.written(PIECE - 1);
        assertThat(forced).isEmpty();
        behind.written(1);
        behind.finish();

        assertThat(forced).containsExactly(false, true);
    }

    @Test
    void writerDoesNotWaitForAPieceThatIsStillBeingForced() throws IOException {
        CountDownLatch disk = new CountDownLatch(1);
        WriteBehind behind = new WriteBehind(metadata -> {
            try {
                disk.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            forced.add(metadata);
        });

        behind.written(PIECE);
        behind.written(PIECE);
        disk.countDown();
        behind.finish();

        assertThat(forced).containsExactly(false, true);
    }

    @Test
    void interruptIsPassedOnAsAChannelDoesIt() throws IOException {
        CountDownLatch disk = new CountDownLatch(1);
        WriteBehind behind = new WriteBehind(metadata -> {
            try {
                disk.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
        behind.written(PIECE);

        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(behind::finish).isInstanceOf(ClosedByInterruptException.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
            disk.countDown();
        }
    }
}
