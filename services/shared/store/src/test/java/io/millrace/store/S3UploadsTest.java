package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class S3UploadsTest {
    private static final int LEAST = 16 << 20;

    @Test
    void aFileOfAnySizeHasAtMostAsManyPartsAsAServerTakes() {
        assertThat(S3Uploads.partBytes(LEAST, 1)).isEqualTo(LEAST);
        assertThat(S3Uploads.partBytes(LEAST, 10_000L * LEAST)).isEqualTo(LEAST);
        for (long sizeBytes : new long[] {10_000L * LEAST + 1, 1L << 40, 5L << 40}) {
            assertThat(Math.ceilDiv(sizeBytes, S3Uploads.partBytes(LEAST, sizeBytes)))
                    .isLessThanOrEqualTo(10_000);
        }
    }
}
