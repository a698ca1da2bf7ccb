package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class GgufCursorTest {
    private static final int LEFT = 29;

    @Test
    void asManyThingsAsFitAreTakenAndOneMoreIsRefused() throws Exception {
        assertThat(counting(2).count("key", 10)).isEqualTo(2);
        assertThatThrownBy(() -> counting(3).count("key", 10))
                .hasMessage("file.gguf: at byte 0: 3 times a key, but only 29 bytes are left");
    }

    private static GgufCursor counting(long count) {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + LEFT)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(0, count);
        return new GgufCursor("file.gguf", MemorySegment.ofBuffer(bytes));
    }
}
