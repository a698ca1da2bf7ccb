package io.millrace.store;

import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** The disk or the quota of the store is used up; trying again helps once there is room. */
public final class DiskFullException extends IOException {
    /** How operating systems word ENOSPC and EDQUOT; the JDK passes their text on and nothing else. */
    private static final List<String> WORDINGS =
            List.of("no space left", "quota exceeded", "not enough space", "disk is full");

    DiskFullException(String message, Throwable cause) {
        super(message, cause);
    }

    /** This failure, as a {@link DiskFullException} if the disk is full. */
    static IOException orSame(String what, IOException failure) {
        if (saidBy(failure)) {
            return new DiskFullException(what + ": no space left on its disk", failure);
        }
        return failure;
    }

    /** Whether this failure, or one that it came of, says that a disk is full. */
    public static boolean isBehind(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof IOException refused && saidBy(refused)) {
                return true;
            }
        }
        return false;
    }

    /** Whether this failure says that a disk is full. */
    public static boolean saidBy(IOException failure) {
        String text = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
        return WORDINGS.stream().anyMatch(text::contains);
    }
}
