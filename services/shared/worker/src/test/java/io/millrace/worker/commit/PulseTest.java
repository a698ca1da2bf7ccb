package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.worker.commit.ProgressBoard.Mark;
import io.millrace.worker.commit.Pulse.Beat;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class PulseTest {
    private static final long SECOND = Duration.ofSeconds(1).toNanos();
    private final Pulse pulse = new Pulse(Duration.ofSeconds(1), Duration.ofSeconds(10), Duration.ofMinutes(10), 0);

    @Test
    void newsAreSaidAtMostOnceASecond() {
        assertThat(pulse.beat(mark(1, 0), true, SECOND / 2)).isEqualTo(Beat.QUIET);
        assertThat(pulse.beat(mark(2, 0), true, SECOND)).isEqualTo(Beat.SAY);
        assertThat(pulse.beat(mark(3, 0), true, SECOND + 1)).isEqualTo(Beat.QUIET);
        assertThat(pulse.beat(mark(3, 0), true, 2 * SECOND)).isEqualTo(Beat.SAY);
    }

    @Test
    void silentJobShowsThatItLives() {
        assertThat(pulse.beat(mark(1, 0), true, SECOND)).isEqualTo(Beat.SAY);
        assertThat(pulse.beat(mark(1, 0), true, 10 * SECOND)).isEqualTo(Beat.QUIET);
        assertThat(pulse.beat(mark(1, 0), true, 11 * SECOND)).isEqualTo(Beat.SAY);
    }

    @Test
    void progressThatStandsStillIsStalledInTheStageAlone() {
        lookUntil(599);
        assertThat(pulse.beat(mark(1, 0), true, 600 * SECOND)).isEqualTo(Beat.STALLED);
        assertThat(pulse.beat(mark(1, 0), false, 605 * SECOND)).isNotEqualTo(Beat.STALLED);
    }

    @Test
    void processThatStoodStillDoesNotBlameTheStage() {
        lookUntil(100);
        assertThat(pulse.beat(mark(1, 0), true, 5000 * SECOND)).isEqualTo(Beat.SAY);
        for (long second = 5001; second < 5600; second++) {
            assertThat(pulse.beat(mark(1, 0), true, second * SECOND)).isNotEqualTo(Beat.STALLED);
        }
        assertThat(pulse.beat(mark(1, 0), true, 5600 * SECOND)).isEqualTo(Beat.STALLED);
    }

    private void lookUntil(long lastSecond) {
        for (long second = 1; second <= lastSecond; second++) {
            assertThat(pulse.beat(mark(1, 0), true, second * SECOND)).isNotEqualTo(Beat.STALLED);
        }
    }

    @Test
    void sayingTheSameAgainIsNoProgress() {
        long[] now = {0};
        ProgressBoard board = new ProgressBoard(() -> now[0]);
        board.show(5, 10, "layers");
        Mark first = board.mark();

        now[0] = SECOND;
        board.show(5, 10, "layers");

        assertThat(board.mark()).isSameAs(first);
        board.show(6, 10, "layers");
        assertThat(board.mark()).isEqualTo(new Mark(6, 10, "layers", SECOND));
    }

    private static Mark mark(long done, long changedNanos) {
        return new Mark(done, 10, "layers", changedNanos);
    }
}
