package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.Optional;

/** Moves runs and jobs: an event reaches its ticket, the ticket tells its runs, a run asks for its next job. */
public final class Coordinator {
    private final Limits limits;
    private final TicketMachine machine;
    private final Timeouts timeouts;
    private final WorkedQueues worked;
    private final Draft draft;
    private final Runs runs;

    public Coordinator(Limits limits, WorkedQueues worked, Draft draft) {
        this.limits = limits;
        this.machine = new TicketMachine(limits);
        this.timeouts = new Timeouts(limits);
        this.worked = worked;
        this.draft = draft;
        this.runs = new Runs(draft.tables());
    }

    /** A worker spoke. False if nobody waits for its job. */
    public boolean heard(JobEvent event, Instant now) {
        Optional<Ticket> ticket = ticket(event.job().model(), event.job().key());
        ticket.ifPresent(standing -> {
            worked.heard(standing.job(), now);
            take(standing, machine.apply(standing, event, now), now);
        });
        return ticket.isPresent();
    }

    /** A ticket's time has come. */
    public void due(TicketId id, Instant now) {
        Optional<Ticket> ticket = ticket(id.model(), id.job());
        ticket.ifPresentOrElse(
                standing -> take(
                        standing,
                        timeouts.due(standing, worked.lastWithin(standing.job(), limits.unattended(), now), now),
                        now),
                () -> draft.wake(id, Optional.empty()));
    }

    /** Queues lost what was in them: this ticket's record may be gone. */
    public void lost(TicketId id, LostQueues losses, Instant now) {
        ticket(id.model(), id.job()).ifPresent(standing -> take(standing, timeouts.lost(standing, losses, now), now));
    }

    /**
     * A person asked. False if the run is not known, cannot do what is asked, or has done it before.
     *
     * @param recordAt when the broker took the record
     */
    public boolean requested(OperatorRequest request, Instant recordAt, Instant now) {
        RunEvent event = switch (request.kind()) {
            case RETRY -> new RunEvent.RetryRequested(request.who(), request.why(), now);
            case RECOMPUTE -> new RunEvent.RecomputeRequested(request.who(), request.why(), now);
            case CANCEL -> new RunEvent.CancelRequested(request.who(), request.why(), now);
        };
        Optional<RunState> run = runs.get(request.model(), request.run());
        boolean replayed = run.isPresent() && run.get() instanceof RunState.Ended ended && ended.isAfter(recordAt);
        return run.isPresent() && !replayed && move(run.get(), event, now);
    }

    /** The conductor itself cannot go on with this run. */
    public void broken(ModelName model, RunId id, Failure failure, Tried tried, Instant now) {
        runs.get(model, id).ifPresent(run -> move(run, new RunEvent.Broken(failure, tried, now), now));
    }

    /** No worker can have this job: the runs that wait for it cannot go on. */
    public void broken(TicketId job, Failure failure, Instant now) {
        ticket(job.model(), job.job())
                .ifPresent(
                        ticket -> ticket.waiting().forEach(run -> broken(job.model(), run, failure, Tried.KEPT, now)));
    }

    /** A run that ends before it begins, if it is not known. */
    public void refused(RunRequest request, Failure failure, Instant now) {
        if (runs.get(request.checkpoint().model(), request.id()).isEmpty()) {
            enter(RunMachine.refuse(request, failure, now), now);
        }
    }

    /** The run ended so long ago that nobody asks for it any more. */
    public void forget(RunState.Ended run) {
        runs.forget(run);
        draft.emit(new Output.ForgetRun(run.id()));
    }

    /** Whether a run of this checkpoint may have ended so long ago that it is forgotten. */
    boolean mayHaveForgotten(CheckpointPublished checkpoint, Instant now) {
        return checkpoint.publishedAt().plus(limits.endedKept()).isBefore(now);
    }

    /** Every limit is counted anew when a task starts. */
    public void restarted(Ticket ticket, Instant now) {
        draft.wake(TicketId.of(ticket), Optional.of(timeouts.wakeAfterStart(ticket, now)));
    }

    /** Tells a run; false if that changed nothing. */
    boolean move(RunState run, RunEvent event, Instant now) {
        Transition transition = RunMachine.apply(run, event);
        if (transition.state().equals(run)) {
            return false;
        }
        enter(transition, now);
        return true;
    }

    /** A policy asks again for a run that it asked for before, and counts on what came of it. */
    void askedAgain(RunState run, RunRequest request) {
        RunState standing = run.with(run.request().askedBy(request));
        runs.put(standing);
        if (standing instanceof RunState.Published published) {
            LatestModel.offerAgain(published.event(), published.request(), draft);
        }
    }

    /** Writes a run's new state down and does what it wants done. */
    void enter(Transition transition, Instant now) {
        RunState state = transition.state();
        runs.put(state);
        draft.emit(new Output.Publish(RunReport.of(state, now)));
        transition.commands().forEach(command -> execute(state, command, now));
    }

    private void execute(RunState run, Command command, Instant now) {
        switch (command) {
            case Command.AskFor(var job) -> {
                Optional<Ticket> standing = ticket(job.model(), job.key());
                TicketStep step = machine.ask(standing, job, run.id(), now);
                take(step.ticket().orElseThrow(), step, now);
            }
            case Command.LeaveJob(JobKey job, String why) ->
                ticket(run.model(), job)
                        .ifPresent(ticket -> take(ticket, machine.leave(ticket, run.id(), why, now), now));
            case Command.PublishModel(var event) -> {
                draft.emit(new Output.Publish(event));
                LatestModel.offer(event, run.request(), draft);
            }
            case Command.RejectModel(var event) -> draft.emit(new Output.Publish(event));
            case Command.PublishFailure(var event) -> draft.emit(new Output.Publish(event));
        }
    }

    private void take(Ticket before, TicketStep step, Instant now) {
        TicketId id = TicketId.of(before);
        step.ticket().ifPresentOrElse(ticket -> draft.tables().tickets().put(id.toString(), ticket), () -> {
            draft.tables().tickets().delete(id.toString());
            draft.wake(id, Optional.empty());
        });
        step.wake().ifPresent(at -> draft.wake(id, Optional.of(at)));
        if (step.restore()) {
            draft.emit(new Output.RestoreJob(id));
        }
        if (step.issue() && before.outdated()) {
            renew(id, step.ticket().orElseThrow(), now);
            return;
        }
        if (step.issue()) {
            draft.emit(new Output.Publish(step.ticket().orElseThrow().job()));
        }
        step.cancel().ifPresent(cancel -> draft.emit(new Output.Publish(cancel)));
        for (RunId told : step.told()) {
            for (RunEvent news : step.news()) {
                runs.get(id.model(), told).ifPresent(run -> move(run, news, now));
            }
        }
    }

    private void renew(TicketId id, Ticket ticket, Instant now) {
        draft.tables().tickets().delete(id.toString());
        draft.wake(id, Optional.empty());
        for (RunId waiting : ticket.waiting()) {
            runs.get(id.model(), waiting)
                    .ifPresent(run -> move(run, new RunEvent.StepOutdated(ticket.key(), now), now));
        }
    }

    private Optional<Ticket> ticket(ModelName model, JobKey job) {
        return draft.tables().tickets().get(Table.key(model, job));
    }
}
