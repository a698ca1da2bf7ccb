package io.millrace.worker.commit;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Decides when a running job shows a sign of life, and when it counts as stalled. News go out at most each second, the
 * old mark again when nothing was said for a third of the lease's lock.
 */
final class Pulse {
    enum Beat {
        QUIET,
        SAY,
        STALLED
    }

    private final long newsNanos;
    private final long silenceNanos;
    private final long stallNanos;
    private ProgressBoard.@Nullable Mark said;
    private long saidNanos;

    Pulse(Duration news, Duration silence, Duration stallLimit, long startNanos) {
        this.newsNanos = news.toNanos();
        this.silenceNanos = silence.toNanos();
        this.stallNanos = stallLimit.toNanos();
        this.saidNanos = startNanos;
    }

    /** @param inStage only the stage's own work can stall; a store that is away cannot be hurried */
    Beat beat(ProgressBoard.Mark mark, boolean inStage, long nowNanos) {
        if (inStage && nowNanos - mark.changedNanos() >= stallNanos) {
            return Beat.STALLED;
        }
        long quietNanos = nowNanos - saidNanos;
        if (quietNanos >= silenceNanos || (quietNanos >= newsNanos && !mark.equals(said))) {
            said = mark;
            saidNanos = nowNanos;
            return Beat.SAY;
        }
        return Beat.QUIET;
    }
}
