package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.exception.SdkClientException;

class ResumingInputStreamTest {
    private static final byte[] CONTENT = new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

    private final List<Long> asked = new ArrayList<>();

    /** What comes after so many bytes of each connection. */
    private interface Break {
        int happen() throws IOException;
    }

    private ResumingInputStream breaking(int after, Break then) throws IOException {
        return new ResumingInputStream(
                offset -> {
                    asked.add(offset);
                    assertThat(asked).as("it asks for ever").hasSizeLessThan(100);
                    return new InputStream() {
                        private final InputStream rest =
                                new ByteArrayInputStream(CONTENT, Math.toIntExact(offset), after);

                        @Override
                        public int read() throws IOException {
                            int next = rest.read();
                            return next < 0 ? then.happen() : next;
                        }
                    };
                },
                CONTENT.length);
    }

    @Test
    void aLongDownloadMayBreakAgainAndAgain() throws IOException {
        try (InputStream in = breaking(1, () -> -1)) {
            for (byte expected : CONTENT) {
                assertThat(in.read()).isEqualTo(expected);
            }
            assertThat(in.read()).isEqualTo(-1);
        }
        assertThat(asked).hasSize(CONTENT.length);
    }

    @Test
    void whatTheSdkSaysOfAConnectionIsABreakToo() throws IOException {
        try (InputStream in = breaking(3, () -> {
            throw SdkClientException.create("reset");
        })) {
            assertThat(in.readNBytes(1)).containsExactly(1);
            assertThat(in.skip(2)).isEqualTo(2);
            assertThat(in.read()).isEqualTo(4);
        }
        assertThat(asked).containsExactly(0L, 3L);
    }

    @Test
    void whereNothingComesItIsGivenUp() throws IOException {
        try (InputStream in = breaking(0, () -> {
            throw new IOException("broken");
        })) {
            assertThatThrownBy(in::read)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("reading stopped after 0 of 10 bytes, 5 times in a row")
                    .hasRootCauseMessage("broken");
        }
        assertThat(asked).hasSize(5);
    }

    @Test
    void whoIsInterruptedReadsNotOn() throws IOException {
        try (InputStream in = breaking(0, () -> {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("stopped");
        })) {
            assertThatThrownBy(in::read)
                    .isInstanceOf(InterruptedIOException.class)
                    .hasMessage("stopped");
            assertThat(Thread.interrupted()).isTrue();
        }
        assertThat(asked).hasSize(1);
    }
}
