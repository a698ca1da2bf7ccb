package io.millrace.events;

import java.util.Locale;

/** Why a job or run failed; the code is what people search for. */
public enum Reason {
    MALFORMED_CHECKPOINT(Blame.CHECKPOINT),
    UNKNOWN_ARCHITECTURE(Blame.CHECKPOINT),
    ALREADY_QUANTIZED(Blame.CHECKPOINT),
    MADE_BY_MILLRACE(Blame.CHECKPOINT),
    CHECKPOINT_CHANGED(Blame.CHECKPOINT),
    CHECKPOINT_MISSING(Blame.CHECKPOINT),
    NOT_FINITE(Blame.CHECKPOINT),
    VERSION_CONFLICT(Blame.CHECKPOINT),
    /** The job was started by three processes and none of them lived to report. */
    WORKER_LOST(Blame.CHECKPOINT),
    UNSUITABLE_SHAPE(Blame.RECIPE),
    UNSUPPORTED(Blame.RECIPE),
    /** The importance matrix is damaged, or another model's. */
    UNSUITABLE_IMPORTANCE(Blame.RECIPE),
    /** A pattern of the recipe that shall choose tensors or modules is found in none of the model's names. */
    UNMATCHED_PATTERN(Blame.RECIPE),
    /** Training steps ended in numbers that are not finite. */
    DIVERGED(Blame.RECIPE),
    /** What was made gives no probabilities, which no gate may pass, whatever it asks for. */
    CANDIDATE_NOT_FINITE(Blame.RECIPE),
    IMPOSSIBLE_RUNG(Blame.RECIPE),
    TEXT_TOO_SHORT(Blame.POLICY),
    /** It would take more memory than a worker has to turn it into tokens. */
    TEXT_TOO_LONG(Blame.POLICY),
    /** A text or importance matrix that the policy names. */
    TEXT_MISSING(Blame.POLICY),
    /** Not UTF-8. */
    TEXT_MALFORMED(Blame.POLICY),
    STORE_UNREACHABLE(Blame.SURROUNDINGS),
    DISK_FULL(Blame.SURROUNDINGS),
    SHUTDOWN(Blame.SURROUNDINGS),
    CLAIMED(Blame.SURROUNDINGS),
    VERSION_MISMATCH(Blame.SURROUNDINGS),
    /** Another worker may have more; if none has, the run must end all the same. */
    OUT_OF_MEMORY(Blame.OURSELVES),
    STALLED(Blame.OURSELVES),
    /** The worker said nothing for longer than the limit. */
    NO_SIGN_OF_LIFE(Blame.OURSELVES),
    STAGE_ERROR(Blame.OURSELVES),
    CONDUCTOR_ERROR(Blame.CHECKPOINT),
    UNKNOWN(Blame.OURSELVES);

    private final Blame blame;

    Reason(Blame blame) {
        this.blame = blame;
    }

    public Blame blame() {
        return blame;
    }

    /** Spelled as in events, metrics and messages: {@code worker-lost}. */
    public String code() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The reason of this code; {@link #UNKNOWN} for one that this version does not know. */
    public static Reason ofCode(String code) {
        for (Reason reason : values()) {
            if (reason.code().equals(code)) {
                return reason;
            }
        }
        return UNKNOWN;
    }
}
