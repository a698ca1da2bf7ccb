package io.millrace.tensors;

import java.util.Arrays;
import java.util.Random;

/** Bytes as a bad disk or an attacker leaves them. */
public final class DamagedBytes {
    private DamagedBytes() {}

    /** A copy with one to four changes that begin before {@code end}: another byte, another bit, or up to eight large ones. */
    public static byte[] of(byte[] valid, int end, Random random) {
        byte[] damaged = valid.clone();
        int changes = 1 + random.nextInt(4);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(end);
            switch (random.nextInt(3)) {
                case 0 -> damaged[at] = (byte) random.nextInt();
                case 1 -> damaged[at] ^= (byte) (1 << random.nextInt(8));
                default ->
                    Arrays.fill(
                            damaged, at, Math.min(damaged.length, at + 8), (byte) (random.nextBoolean() ? 0xff : 0x7f));
            }
        }
        return damaged;
    }
}
