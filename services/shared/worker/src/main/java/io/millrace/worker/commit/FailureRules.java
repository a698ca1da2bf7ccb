package io.millrace.worker.commit;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Failure;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.store.ChangedFileException;
import io.millrace.store.Claim;
import io.millrace.store.DamagedFileException;
import io.millrace.store.DiskFullException;
import io.millrace.worker.StageException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Gives each thing that can go wrong around a job its reason. */
final class FailureRules {
    /** A stage's own words may be long (a native stack); an event must stay far below its 256 KiB. */
    private static final int MESSAGE_LIMIT = 2_000;

    private static final String MAKE_ROOM = "; make room, the work is tried again by itself";

    /** In the words of engines and systems, which report exhausted memory as an ordinary exception. */
    private static final List<String> OUT_OF_MEMORY =
            List.of("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory");

    private FailureRules() {}

    /** An input could not be opened. */
    static Failure ofInput(Role role, ArtifactRef artifact, IOException cause) {
        String where = "input '" + role.wireName() + "' (artifact "
                + artifact.manifest().abbreviated() + " at " + artifact.location() + "): ";
        if (cause instanceof ChangedFileException) {
            return failure(Reason.CHECKPOINT_CHANGED, where + cause.getMessage());
        }
        if (cause instanceof NoSuchFileException || cause instanceof FileNotFoundException) {
            return failure(missing(role), where + absent(cause) + "; " + comesBack(role, artifact));
        }
        if (cause instanceof DamagedFileException) {
            // Waiting mends nothing; what made it has to make it again.
            return failure(missing(role), where + cause.getMessage());
        }
        return DiskFullException.isBehind(cause)
                ? failure(Reason.DISK_FULL, where + describe(cause) + MAKE_ROOM)
                : failure(Reason.STORE_UNREACHABLE, where + describe(cause));
    }

    private static String absent(IOException cause) {
        return cause instanceof FileSystemException named && named.getFile() != null
                ? named.getFile() + ": is not there"
                : String.valueOf(cause.getMessage());
    }

    /** What brings a missing input back. */
    private static String comesBack(Role role, ArtifactRef artifact) {
        return switch (missing(role)) {
            case TEXT_MISSING -> "apply the policy again, with its files, then retry";
            default ->
                artifact.isInStore()
                        ? "retry with --recompute, or, if it is the checkpoint, publish it again with --copy, then retry"
                        : "put the file back, or publish the same folder again, with --copy if workers do not see it, then retry";
        };
    }

    private static Reason missing(Role role) {
        return switch (role) {
            case EVALUATION_TEXT, CALIBRATION_TEXT, IMPORTANCE -> Reason.TEXT_MISSING;
            case MODEL, ORIGINAL, PART -> Reason.CHECKPOINT_MISSING;
        };
    }

    /** The store did not answer. */
    static Failure ofStore(IOException cause) {
        return DiskFullException.isBehind(cause)
                ? failure(Reason.DISK_FULL, describe(cause) + MAKE_ROOM)
                : failure(Reason.STORE_UNREACHABLE, describe(cause));
    }

    /** What holds up the commit, and what ends that. */
    static String waiting(IOException cause) {
        return cause.getMessage() + (DiskFullException.isBehind(cause) ? MAKE_ROOM : "");
    }

    /** Another worker's claim is alive. */
    static Failure claimed(Claim claim) {
        return failure(Reason.CLAIMED, "worker " + claim.holder() + " is working on this job");
    }

    /** Too many processes began the job and were never heard of again. */
    static Failure workerLost(Claim claim) {
        return failure(
                Reason.WORKER_LOST,
                claim.starts() + " processes began this job and none lived to report, the last one " + claim.holder()
                        + "; look for what killed it (memory, native library) before a retry");
    }

    /** The stage threw, while it worked below {@code folder}. */
    static Failure ofStage(Throwable thrown, Path folder) {
        if (thrown instanceof StageException known) {
            return failure(known.failure().reason(), known.failure().message());
        }
        if (isOutOfMemory(thrown)) {
            return outOfMemory(thrown);
        }
        if (DiskFullException.isBehind(thrown)) {
            return failure(
                    Reason.DISK_FULL,
                    "the disk of the work folder " + folder + " is full; make room there, the job is tried again by"
                            + " itself: " + describe(thrown));
        }
        return failure(
                Reason.STAGE_ERROR,
                unwritable(thrown, folder)
                        ? "the work folder " + folder + " cannot be written (" + describe(thrown)
                                + "); make it writable, or name another with --work-folder, then retry"
                        : describe(thrown));
    }

    /** Memory ran out, in the stage or around it. */
    static Failure outOfMemory(Throwable thrown) {
        return failure(
                Reason.OUT_OF_MEMORY,
                "the job takes more memory than this worker has (" + describe(thrown)
                        + "); give the stage more memory or fewer --slots, then retry");
    }

    /** Java says of a system that may be read alone what the system calls it, and has no class for it. */
    private static boolean unwritable(Throwable thrown, Path folder) {
        Throwable cause = thrown instanceof UncheckedIOException wrapped ? wrapped.getCause() : thrown;
        return cause instanceof FileSystemException file
                && file.getFile() != null
                && Path.of(file.getFile()).startsWith(folder)
                && (file instanceof AccessDeniedException
                        || String.valueOf(file.getReason()).equals("Read-only file system"));
    }

    private static boolean isOutOfMemory(Throwable thrown) {
        for (Throwable cause = thrown; cause != null; cause = cause.getCause()) {
            String message = String.valueOf(cause.getMessage()).toLowerCase(Locale.ROOT);
            if (cause instanceof OutOfMemoryError || OUT_OF_MEMORY.stream().anyMatch(message::contains)) {
                return true;
            }
        }
        return false;
    }

    private static String describe(Throwable thrown) {
        return thrown.getClass().getSimpleName() + ": " + thrown.getMessage();
    }

    private static Failure failure(Reason reason, String message) {
        return new Failure(
                reason, message.length() <= MESSAGE_LIMIT ? message : message.substring(0, MESSAGE_LIMIT) + " …");
    }
}
