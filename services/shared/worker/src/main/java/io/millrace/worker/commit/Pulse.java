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
    private final long frozenNanos;
    private ProgressBoard.@Nullable Mark said;
    private long saidNanos;
    private long lookedNanos;
    private long watchedNanos;

    Pulse(Duration news, Duration silence, Duration stallLimit, long startNanos) {
        this.newsNanos = news.toNanos();
        this.silenceNanos = silence.toNanos();
        this.stallNanos = stallLimit.toNanos();
        this.frozenNanos = Math.max(silenceNanos, 10 * newsNanos);
        this.saidNanos = startNanos;
        this.lookedNanos = startNanos;
        this.watchedNanos = startNanos;
    }

    /** @param inStage only the stage's own work can stall; a store that is away cannot be hurried */
    Beat beat(ProgressBoard.Mark mark, boolean inStage, long nowNanos) {
        if (nowNanos - lookedNanos >= frozenNanos) {
            // Nobody looked for so long: the whole process stood still, and the stage is not to blame for it.
            watchedNanos = nowNanos;
        }
        lookedNanos = nowNanos;
        if (inStage && nowNanos - Math.max(mark.changedNanos(), watchedNanos) >= stallNanos) {
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
