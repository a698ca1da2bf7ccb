package io.millrace.conductor.run;

import io.millrace.conductor.run.RunState.BackingOff;
import io.millrace.conductor.run.RunState.Cancelled;
import io.millrace.conductor.run.RunState.Ended;
import io.millrace.conductor.run.RunState.Failed;
import io.millrace.conductor.run.RunState.Open;
import io.millrace.conductor.run.RunState.Requested;
import io.millrace.conductor.run.RunState.Superseded;
import io.millrace.conductor.run.RunState.Working;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Failure;
import io.millrace.events.Reason;
import io.millrace.events.RunFailed;
import java.time.Duration;
import java.time.Instant;

/** A run's transitions: state and event give the next state and what is to be done. */
public final class RunMachine {
    private static final Duration BETWEEN_REPORTS = Duration.ofSeconds(1);

    private RunMachine() {}

    /** The first transition of a run. */
    public static Transition begin(RunRequest request) {
        Position start = Position.start(request.checkpoint().artifact());
        return Climb.from(request, start, 1, request.at());
    }

    /** A run that ends before it begins. */
    public static Transition refuse(RunRequest request, Failure failure, Instant at) {
        return failed(request, Position.start(request.checkpoint().artifact()), failure, 0, at);
    }

    /** A run whose checkpoint was no longer the newest when it was seen. */
    public static Transition supersede(RunRequest request, String by, Instant at) {
        return Transition.to(
                new Superseded(request, Position.start(request.checkpoint().artifact()), by, at));
    }

    public static Transition apply(RunState state, RunEvent event) {
        return switch (state) {
            case Open open -> ofOpen(open, event);
            case Ended ended -> ofEnded(ended, event);
        };
    }

    private static Transition ofEnded(Ended ended, RunEvent event) {
        return switch (event) {
            case RunEvent.RetryRequested retry
            when ended instanceof Failed failed && failed.failure().reason() != Reason.VERSION_CONFLICT ->
                Climb.again(failed.request(), failed.position(), failed.attempt() + 1, retry.at());
            case RunEvent.RecomputeRequested again
            when canBeComputed(ended) -> begin(ended.request().anew(again.at()));
            case RunEvent.RetryRequested _,
                    RunEvent.RecomputeRequested _,
                    RunEvent.OfJob _,
                    RunEvent.NewerCheckpoint _,
                    RunEvent.CancelRequested _,
                    RunEvent.Broken _ -> Transition.unchanged(ended);
        };
    }

    private static boolean canBeComputed(Ended ended) {
        return switch (ended) {
            case Failed failed -> failed.failure().reason() != Reason.VERSION_CONFLICT;
            case Superseded _ -> false;
            case RunState.Published _, RunState.Rejected _, Cancelled _ -> true;
        };
    }

    private static Transition ofOpen(Open run, RunEvent event) {
        return switch (event) {
            case RunEvent.OfJob news ->
                news.key().equals(run.job().key()) ? ofJob(run, news) : Transition.unchanged(run);
            case RunEvent.NewerCheckpoint newer ->
                run.position().begun()
                        ? Transition.unchanged(run)
                        : Transition.to(
                                new Superseded(run.request(), run.position(), newer.version(), newer.at()),
                                new Command.LeaveJob(run.job().key(), "superseded by " + newer.version()));
            case RunEvent.CancelRequested cancel -> {
                Cancelled end = new Cancelled(run.request(), run.position(), cancel.who(), cancel.why(), cancel.at());
                yield Transition.to(end, new Command.LeaveJob(run.job().key(), end.told()));
            }
            case RunEvent.Broken broken -> {
                Position position = run.position();
                Transition end = failed(
                        run.request(),
                        broken.tried() == Tried.KEPT ? position : position.withoutTried(),
                        broken.failure(),
                        run.job().attempt(),
                        broken.at());
                yield Transition.to(
                        end.state(),
                        end.commands().getFirst(),
                        new Command.LeaveJob(run.job().key(), broken.failure().message()));
            }
            case RunEvent.RetryRequested _, RunEvent.RecomputeRequested _ -> Transition.unchanged(run);
        };
    }

    private static Transition ofJob(Open run, RunEvent.OfJob event) {
        RunRequest request = run.request();
        Position position = run.position();
        CurrentJob job = run.job();
        return switch (event) {
            case RunEvent.StepStarted started ->
                job.started() && job.attempt() == started.attempt()
                        ? Transition.unchanged(run)
                        : working(run, job.started(started.attempt(), started.at()));
            case RunEvent.StepProgressed progress ->
                job.started() && progress.at().isBefore(job.reportedAt().plus(BETWEEN_REPORTS))
                        ? Transition.unchanged(run)
                        : working(
                                run,
                                job.progressed(
                                        progress.attempt(),
                                        progress.done(),
                                        progress.total(),
                                        progress.message(),
                                        progress.at()));
            case RunEvent.StepSucceeded success -> Climb.afterSuccess(request, position, success);
            case RunEvent.StepPaused pause ->
                Transition.to(new BackingOff(
                        request,
                        position,
                        job.queued(pause.attempt(), "waits until " + pause.until(), pause.at()),
                        pause.failure(),
                        pause.until()));
            case RunEvent.StepIssued issued -> queued(run, job.queued(issued.attempt(), "in the queue", issued.at()));
            case RunEvent.StepOutdated outdated -> Climb.from(request, position, job.attempt(), outdated.at());
            // The next attempt, so that this one's failure is not taken for its own when it is delivered once more.
            case RunEvent.StepMisplaced failed -> Climb.from(request, position, failed.attempt() + 1, failed.at());
            case RunEvent.StepUnattended unattended ->
                queued(run, job.queued(job.attempt(), "waiting: no worker for " + job.device(), unattended.at()));
            case RunEvent.StepFailed failure ->
                switch (failure.failure().blame()) {
                    case CHECKPOINT, POLICY ->
                        failed(request, position, failure.failure(), failure.attempt(), failure.at());
                    case RECIPE -> Climb.afterFailure(request, position, job, failure.failure(), failure.at());
                    // Nobody judged that candidate, so a run that ends with it was not rejected.
                    case OURSELVES, SURROUNDINGS ->
                        Climb.mayGoOn(request, position)
                                ? Climb.afterFailure(request, position, job, failure.failure(), failure.at())
                                : failed(request, position, failure.failure(), failure.attempt(), failure.at());
                };
        };
    }

    private static Transition working(Open run, CurrentJob job) {
        return Transition.to(new Working(run.request(), run.position().withBegun(), job));
    }

    private static Transition queued(Open run, CurrentJob job) {
        return Transition.to(
                run.position().begun()
                        ? new Working(run.request(), run.position(), job)
                        : new Requested(run.request(), run.position(), job));
    }

    static Transition failed(RunRequest request, Position position, Failure failure, int attempt, Instant at) {
        CheckpointPublished checkpoint = request.checkpoint();
        RunFailed event = new RunFailed(
                request.id(),
                checkpoint.model(),
                checkpoint.version(),
                request.policy(),
                request.target().name(),
                failure,
                at);
        return Transition.to(new Failed(request, position, failure, attempt, at), new Command.PublishFailure(event));
    }
}
