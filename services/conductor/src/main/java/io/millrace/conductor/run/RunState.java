package io.millrace.conductor.run;

import io.millrace.events.Failure;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;
import java.time.Instant;

/**
 * Where a run stands.
 *
 * <pre>
 * Requested ──► Working ⇄ BackingOff ──► Published | Rejected | Failed
 *     └──► Superseded ──backfill──► Requested     any open state ──► Cancelled     Failed ──retry──► Working
 * </pre>
 */
public sealed interface RunState {
    RunRequest request();

    Position position();

    default RunId id() {
        return request().id();
    }

    default ModelName model() {
        return request().checkpoint().model();
    }

    /** The same, asked for in other words. */
    default RunState with(RunRequest request) {
        return switch (this) {
            case Requested run -> new Requested(request, run.position, run.job);
            case Working run -> new Working(request, run.position, run.job);
            case BackingOff run -> new BackingOff(request, run.position, run.job, run.failure, run.until);
            case Published run -> new Published(request, run.position, run.event, run.at);
            case Rejected run -> new Rejected(request, run.position, run.at);
            case Failed run -> new Failed(request, run.position, run.failure, run.attempt, run.at);
            case Superseded run -> new Superseded(request, run.position, run.by, run.at);
            case Cancelled run -> new Cancelled(request, run.position, run.who, run.why, run.at);
        };
    }

    /** A run that goes on. */
    sealed interface Open extends RunState {
        CurrentJob job();
    }

    /** A run that changes only when a person asks, or a policy's backfill. */
    sealed interface Ended extends RunState {
        Instant at();

        /** Whether it ended after what this record asked for was done: the record is read once more. */
        default boolean isAfter(Instant recordAt, Instant now) {
            return RunRequest.isReadAgain(recordAt, at(), now);
        }
    }

    /** Its first job is in the queue and nobody has begun it. */
    record Requested(RunRequest request, Position position, CurrentJob job) implements Open {}

    record Working(RunRequest request, Position position, CurrentJob job) implements Open {}

    /** Its job is tried again when the pause is over. */
    record BackingOff(RunRequest request, Position position, CurrentJob job, Failure failure, Instant until)
            implements Open {}

    record Published(RunRequest request, Position position, ModelPublished event, Instant at) implements Ended {}

    record Rejected(RunRequest request, Position position, Instant at) implements Ended {}

    /** @param attempt the last one of the step that it stands at, 0 if there was none */
    record Failed(RunRequest request, Position position, Failure failure, int attempt, Instant at) implements Ended {}

    /** @param by version of the newer checkpoint */
    record Superseded(RunRequest request, Position position, String by, Instant at) implements Ended {}

    record Cancelled(RunRequest request, Position position, String who, String why, Instant at) implements Ended {
        String told() {
            return "cancelled by " + who + (why.isEmpty() ? "" : ": " + why);
        }
    }
}
