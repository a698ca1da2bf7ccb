package io.millrace.pruner.method;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NeuronRankingTest {
    @Test
    void theStrongestStayInTheirOrderAndOfEqualsTheFirst() {
        NeuronRanking ranking = new NeuronRanking(new double[] {1, 5, 2, 5, 2});

        assertThat(ranking.strongest(3)).containsExactly(1, 2, 3);
    }

    @Test
    void theShareIsThatOfWhatStays() {
        assertThat(new NeuronRanking(new double[] {1, 5, 2}).share(new int[] {1, 2}))
                .isEqualTo(7.0 / 8);
        assertThat(new NeuronRanking(new double[] {0, 0}).share(new int[] {0})).isEqualTo(1);
    }
}
