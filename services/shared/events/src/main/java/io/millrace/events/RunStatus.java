package io.millrace.events;

import java.util.Locale;

/** Where a run stands. */
public enum RunStatus {
    REQUESTED,
    WORKING,
    BACKING_OFF,
    PUBLISHED,
    REJECTED,
    FAILED,
    SUPERSEDED,
    CANCELLED;

    public boolean ended() {
        return switch (this) {
            case REQUESTED, WORKING, BACKING_OFF -> false;
            case PUBLISHED, REJECTED, FAILED, SUPERSEDED, CANCELLED -> true;
        };
    }

    public String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
