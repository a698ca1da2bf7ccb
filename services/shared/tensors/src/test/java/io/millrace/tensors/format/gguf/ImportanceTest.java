package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ImportanceTest {
    /** Of many experts a copy would be hundreds of megabytes. */
    @Test
    void whatHasNothingToFillIsNotCopied() {
        Importance sound = new Importance(new float[] {1, 0, 0, 2}, 4);
        Importance gap = new Importance(new float[] {1, 2, 0, 0}, 4);

        assertThat(sound.withoutZeros(2)).isSameAs(sound);
        assertThat(gap.withoutZeros(2).values()).containsExactly(1, 2, 1, 1);
        assertThat(gap.values()).containsExactly(1, 2, 0, 0);
    }
}
