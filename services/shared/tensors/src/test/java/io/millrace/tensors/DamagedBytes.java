package io.millrace.tensors;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;

/** Bytes as a bad disk or an attacker leaves them. */
public final class DamagedBytes {
    private static final long SEED = 20261124;

    private DamagedBytes() {}

    /** Reads a file of these bytes. */
    public interface Opening {
        void open(byte[] bytes) throws IOException;
    }

    /**
     * Opens ten thousand damaged copies: each is read or refused. Whatever is worse fails.
     *
     * @param end where the damage ends to begin
     * @return the share of those that were refused
     */
    public static double refused(byte[] valid, int end, Opening opening) {
        int rounds = Integer.getInteger("millrace.mutations", 10_000);
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        int refused = 0;
        for (int round = 0; round < rounds; round++) {
            byte[] damaged = of(valid, end, random);
            try {
                opening.open(damaged);
            } catch (MalformedFileException _) {
                refused++;
            } catch (IOException | RuntimeException | Error worse) {
                fail("seed " + SEED + ", round " + round, worse);
            }
        }
        return (double) refused / rounds;
    }

    /** A copy with one to four changes that begin before {@code end}: another byte, another bit, or up to eight large ones. */
    private static byte[] of(byte[] valid, int end, Random random) {
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
