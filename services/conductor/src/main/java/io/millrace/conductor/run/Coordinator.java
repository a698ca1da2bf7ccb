package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Moves runs and jobs: an event reaches its ticket, the ticket tells its runs, a run asks for its next job. */
public final class Coordinator {
    /** Faults of the place where a checkpoint lies, not of its weights. */
    private static final Set<Reason> PLACE = EnumSet.of(Reason.CHECKPOINT_MISSING, Reason.CHECKPOINT_CHANGED);

    private final Limits limits;
    private final TicketMachine machine;
    private final Timeouts timeouts;
    private final WorkedQueues worked;
    private final Draft draft;
    private final Runs runs;
    private final Tickets tickets;
    private final Checkpoints checkpoints;

    public Coordinator(Limits limits, WorkedQueues worked, Draft draft) {
        this.limits = limits;
        this.machine = new TicketMachine(limits);
        this.timeouts = new Timeouts(limits);
        this.worked = worked;
        this.draft = draft;
        this.runs = new Runs(draft.tables());
        this.tickets = new Tickets(draft.tables());
        this.checkpoints = new Checkpoints(draft.tables());
    }

    /** A worker spoke. False if nobody waits for its job. */
    public boolean heard(JobEvent event, Instant now) {
        List<Ticket> reached = tickets.reachedBy(event);
        if (reached.isEmpty()) {
            return false;
        }
        worked.heard(event.job(), now);
        reached.forEach(ticket -> take(ticket, machine.apply(ticket, event, now), now));
        return true;
    }

    /** A ticket's time has come. */
    public void due(TicketId id, Instant now) {
        Optional<Ticket> ticket = tickets.get(id);
        if (ticket.isEmpty()) {
            draft.wake(id, Optional.empty());
            return;
        }
        Ticket standing = ticket.get();
        List<RunState.Open> strangers = strangers(standing);
        if (!strangers.isEmpty()) {
            strangers.forEach(run -> sendAway(run, id, now));
            tickets.get(id).ifPresent(rest -> restarted(rest, now));
            return;
        }
        take(standing, timeouts.due(standing, worked.lastWithin(standing.job(), limits.unattended(), now), now), now);
    }

    /** Queues lost what was in them: this ticket's record may be gone. */
    public void lost(TicketId id, LostQueues losses, Instant now) {
        tickets.get(id).ifPresent(standing -> take(standing, timeouts.lost(standing, losses, now), now));
    }

    /**
     * A person asked. False if the run is not known, cannot do what is asked, or has done it before. Whoever asked had seen
     * the run: the request gives a time that is not before what they saw, whatever their clock says.
     *
     * @param recordAt the time of the record
     */
    public boolean requested(OperatorRequest request, Instant recordAt, Instant now) {
        RunEvent event = switch (request.kind()) {
            case RETRY -> new RunEvent.RetryRequested(request.who(), request.why(), now);
            case RECOMPUTE -> new RunEvent.RecomputeRequested(request.who(), request.why(), now);
            case CANCEL -> new RunEvent.CancelRequested(request.who(), request.why(), now);
        };
        Instant askedAt = request.at().isAfter(recordAt) ? request.at() : recordAt;
        Instant asked = askedAt.isAfter(now) ? now : askedAt;
        return runs.get(request.model(), request.run())
                .filter(run -> !isReadAgain(run, askedAt, now))
                .map(this::whereItsCheckpointLies)
                .filter(run -> move(
                        run instanceof RunState.Ended ? run.with(run.request().reopened(asked)) : run, event, now))
                .isPresent();
    }

    private static boolean isReadAgain(RunState run, Instant askedAt, Instant now) {
        return switch (run) {
            case RunState.Open open -> open.request().isAfter(askedAt, now);
            case RunState.Ended ended -> ended.isAfter(askedAt, now);
        };
    }

    /** The conductor itself cannot go on with this run. */
    public void broken(ModelName model, RunId id, Failure failure, Tried tried, Instant now) {
        runs.get(model, id).ifPresent(run -> move(run, new RunEvent.Broken(failure, tried, now), now));
    }

    /** No worker can have this job: the runs that wait for it cannot go on. */
    public void broken(TicketId job, Failure failure, Instant now) {
        tickets.get(job)
                .ifPresent(
                        ticket -> ticket.waiting().forEach(run -> broken(job.model(), run, failure, Tried.KEPT, now)));
    }

    /** This checkpoint may lie elsewhere than before: jobs that are not issued yet read it there. */
    void moved(CheckpointPublished checkpoint) {
        List<RunState.Open> running = new ArrayList<>();
        draft.tables().open().forEach(Table.prefix(checkpoint.model()), (_, run) -> running.add(run));
        running.stream()
                .filter(run -> run.request().checkpoint().version().equals(checkpoint.version()))
                .forEach(
                        run -> checkpoints.moved(run.request().checkpoint()).ifPresent(move -> runs.put(move.of(run))));
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

    /** The run should never have begun: it ends, and is forgotten. */
    void withdraw(RunState run, String why, Instant now) {
        move(run, new RunEvent.CancelRequested("the conductor", why, now), now);
        runs.get(run.model(), run.id())
                .flatMap(left -> left instanceof RunState.Ended ended ? Optional.of(ended) : Optional.empty())
                .ifPresent(this::forget);
    }

    /** @param former the policy before it was changed */
    Forgotten forgotten(Optional<Policy> former, Instant now) {
        return new Forgotten(former, limits.endedKept(), now);
    }

    /** Every limit is counted anew when a task starts. */
    public void restarted(Ticket ticket, Instant now) {
        Instant wake = strangers(ticket).isEmpty() ? timeouts.wakeAfterStart(ticket, now) : now;
        draft.wake(TicketId.of(ticket), Optional.of(wake));
    }

    /** Tells a run; false if that changed nothing. */
    boolean move(RunState run, RunEvent event, Instant now) {
        Transition transition = RunMachine.apply(run, event);
        if (transition.state().equals(run) && transition.commands().isEmpty()) {
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
                TicketStep step = machine.ask(tickets.of(job.model(), job.key()), job, run.id(), now);
                take(step.ticket().orElseThrow(), step, now);
            }
            case Command.LeaveJob(JobKey job, String why) -> {
                List<Ticket> ofKey = tickets.of(run.model(), job);
                ofKey.stream()
                        .filter(ticket -> ticket.waiting().contains(run.id()))
                        .forEach(ticket -> take(ticket, machine.leave(ofKey, ticket, run.id(), why, now), now));
            }
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
        step.ticket().ifPresentOrElse(tickets::put, () -> {
            tickets.delete(id);
            draft.wake(id, Optional.empty());
        });
        step.wake().ifPresent(at -> draft.wake(id, Optional.of(at)));
        step.cancellations().forEach(draft::emit);
        if (step.issue() && before.outdated()) {
            renew(id, step.ticket().orElseThrow(), now);
            return;
        }
        if (step.issue()) {
            draft.emit(new Output.Publish(step.ticket().orElseThrow().job()));
        }
        for (RunId told : step.told()) {
            for (RunEvent news : step.news()) {
                runs.get(id.model(), told).ifPresent(run -> move(run, toItself(run, before.job(), news), now));
            }
        }
    }

    private void renew(TicketId id, Ticket ticket, Instant now) {
        tickets.delete(id);
        draft.wake(id, Optional.empty());
        for (RunId waiting : ticket.waiting()) {
            runs.get(id.model(), waiting)
                    .ifPresent(run -> move(run, new RunEvent.StepOutdated(ticket.key(), now), now));
        }
    }

    /** What another run's place of the same checkpoint lacks says nothing of this run's: it asks with its own. */
    private static RunEvent toItself(RunState run, Job job, RunEvent news) {
        return news instanceof RunEvent.StepFailed failed
                        && PLACE.contains(failed.failure().reason())
                        && run.request().isReadElsewhere(job)
                ? new RunEvent.StepMisplaced(failed.key(), failed.attempt(), failed.at())
                : news;
    }

    /** An ended run does not follow its checkpoint until it goes on. */
    private RunState whereItsCheckpointLies(RunState run) {
        return run instanceof RunState.Ended ended
                ? checkpoints
                        .moved(run.request().checkpoint())
                        .<RunState>map(move -> move.of(ended))
                        .orElse(run)
                : run;
    }

    /** Runs that joined another device's ticket, as they did before each device had its own. */
    private List<RunState.Open> strangers(Ticket ticket) {
        return ticket.waiting().stream()
                .flatMap(run -> draft.tables().open().get(Table.key(ticket.job().model(), run)).stream())
                .filter(run -> run.job().key().equals(ticket.key())
                        && !run.job().device().equals(ticket.device()))
                .toList();
    }

    /** Asks for its job in the queue of its own device, and leaves the other one's. */
    private void sendAway(RunState.Open run, TicketId from, Instant now) {
        move(run, new RunEvent.StepOutdated(from.job(), now), now);
        List<Ticket> ofKey = tickets.of(from.model(), from.job());
        String why = "asked for on " + run.job().device();
        tickets.get(from).ifPresent(left -> take(left, machine.leave(ofKey, left, run.id(), why, now), now));
    }
}
