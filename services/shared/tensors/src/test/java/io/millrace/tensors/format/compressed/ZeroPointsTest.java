package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class ZeroPointsTest {
    private static final ValueLayout.OfInt WORD = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @Test
    void eightRowsOfAGroupShareAWordLowestFirst() {
        byte[] column = {-8, -7, -6, -5, -4, -3, -2, -1};

        assertThat(words(column, 1, 4)).containsExactly(0x76543210);
    }

    @Test
    void groupsLieSideBySideAndRowsThatAreMissingAreZero() {
        byte[] zeroPoints = new byte[9 * 2];
        zeroPoints[0] = 7;
        zeroPoints[2 * 8 + 1] = -7;

        assertThat(words(zeroPoints, 2, 4)).containsExactly(0x8888888f, 0x88888888, 0x8, 0x1);
    }

    private static int[] words(byte[] zeroPoints, int groups, int bits) {
        return ZeroPoints.pack(zeroPoints, groups, bits).toArray(WORD);
    }
}
