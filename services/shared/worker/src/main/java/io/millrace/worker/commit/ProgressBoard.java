package io.millrace.worker.commit;

import java.util.function.LongSupplier;

/** How far a job says it is. Written often by the stage, read once a second. */
public final class ProgressBoard {
    /** @param changedNanos when it last said something new */
    record Mark(long done, long total, String message, long changedNanos) {
        @Override
        public String toString() {
            return (message.isEmpty() ? "" : message + ", ") + done + (total > 0 ? " of " + total : " done");
        }
    }

    /** An event must stay far below its 256 KiB. */
    private static final int MESSAGE_LIMIT = 500;

    private final LongSupplier nanoTime;
    private volatile Mark mark;

    ProgressBoard(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        this.mark = new Mark(0, 0, "", nanoTime.getAsLong());
    }

    /** Says how far the work is; saying the same again is not progress. */
    public void show(long done, long total, String message) {
        String text = message.length() <= MESSAGE_LIMIT ? message : message.substring(0, MESSAGE_LIMIT) + " …";
        Mark last = mark;
        if (last.done() != done || last.total() != total || !last.message().equals(text)) {
            mark = new Mark(done, total, text, nanoTime.getAsLong());
        }
    }

    Mark mark() {
        return mark;
    }
}
