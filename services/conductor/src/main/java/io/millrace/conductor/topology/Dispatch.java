package io.millrace.conductor.topology;

import io.millrace.conductor.run.Coordinator;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Output;
import io.millrace.conductor.run.Planner;
import io.millrace.conductor.run.Ticket;
import io.millrace.conductor.run.TicketId;
import io.millrace.conductor.run.Tickets;
import io.millrace.conductor.run.Tried;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Event;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.wire.Topics;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings an event to the one who decides on it.
 *
 * @param recordAt when the broker took the record
 * @param now the conductor's time
 */
record Dispatch(Wiring wiring, Instant recordAt, Instant now) {
    private static final Logger LOG = LoggerFactory.getLogger(Dispatch.class);

    void decide(String topic, String key, Event event, Draft draft) {
        if (!topic.equals(expected(event))) {
            draft.emit(new Output.RefuseRecord(
                    "a " + event.getClass().getSimpleName() + " does not belong on this topic"));
            return;
        }
        Coordinator coordinator = coordinator(draft);
        switch (event) {
            case Policy policy -> changePolicy(policy.name(), Optional.of(policy), draft);
            case CheckpointPublished checkpoint -> {
                if (belongs(key, checkpoint.model(), draft)) {
                    planner(coordinator, draft).published(checkpoint, recordAt, now);
                }
            }
            case JobEvent news -> {
                if (belongs(key, news.job().model(), draft)) {
                    if (coordinator.heard(news, now)) {
                        wiring.metrics().heard(news);
                    } else {
                        wiring.metrics().ignored(news.getClass().getSimpleName());
                    }
                }
            }
            case OperatorRequest request -> {
                if (belongs(key, request.model(), draft) && !coordinator.requested(request, recordAt, now)) {
                    LOG.atInfo()
                            .addKeyValue("run", request.run())
                            .addKeyValue("kind", request.kind())
                            .log(
                                    "a request of {} changes nothing: the run is not known, cannot do it, or did it before"
                                            + " (it ended or went on more than 5 minutes after that)",
                                    request.at());
                    wiring.metrics().ignored(request.kind().name());
                }
            }
            case Job _, JobCancelled _, ModelPublished _, ModelRejected _, RunFailed _, RunChanged _ -> {}
        }
    }

    /** A policy elsewhere would be in force in one partition alone. */
    private String expected(Event event) {
        Topics topics = wiring.topics();
        return switch (event) {
            case Policy _ -> topics.policiesByPartition();
            case CheckpointPublished _ -> topics.checkpoints();
            case JobEvent _, OperatorRequest _ -> topics.jobEvents();
            case Job _, JobCancelled _, ModelPublished _, ModelRejected _, RunFailed _, RunChanged _ -> "";
        };
    }

    void deletePolicy(String name, Draft draft) {
        changePolicy(name, Optional.empty(), draft);
    }

    private void changePolicy(String name, Optional<Policy> policy, Draft draft) {
        if (!planner(coordinator(draft), draft).changed(name, policy, recordAt, now)) {
            wiring.metrics().ignored("Policy");
        }
    }

    void due(TicketId id, Draft draft) {
        coordinator(draft).due(id, now);
    }

    /** Queues lost what was in them. */
    void lost(TicketId id, Draft draft) {
        coordinator(draft).lost(id, wiring.lost(), now);
    }

    /** The runs that this event speaks of cannot go on. */
    void fail(Event event, String why, Tried tried, Draft draft) {
        switch (event) {
            case JobEvent news -> {
                Set<RunId> runs = waiting(new Tickets(draft.tables()).reachedBy(news));
                runs.add(news.job().run());
                failRuns(news.job().model(), runs, why, tried, draft);
            }
            case OperatorRequest request -> failRuns(request.model(), Set.of(request.run()), why, tried, draft);
            case Policy _,
                    CheckpointPublished _,
                    Job _,
                    JobCancelled _,
                    ModelPublished _,
                    ModelRejected _,
                    RunFailed _,
                    RunChanged _ -> {} // no run is known that it speaks of
        }
    }

    void failTicket(TicketId id, String why, Tried tried, Draft draft) {
        List<Ticket> ticket = new Tickets(draft.tables()).get(id).stream().toList();
        failRuns(id.model(), waiting(ticket), why, tried, draft);
    }

    /** What was stored cannot be read: the runs that need it cannot go on. */
    void salvage(Unreadable.Entry entry, Draft draft) {
        new Salvage(coordinator(draft), draft, now).of(entry);
    }

    private void failRuns(ModelName model, Set<RunId> runs, String why, Tried tried, Draft draft) {
        String dropped = tried == Tried.KEPT ? "" : " (no record held what the run had tried, so that is not kept)";
        Failure failure = new Failure(
                Reason.CONDUCTOR_ERROR,
                "the conductor could not go on because of " + why + dropped
                        + "; see its log and the dead letters, then retry");
        Coordinator coordinator = coordinator(draft);
        runs.forEach(run -> coordinator.broken(model, run, failure, tried, now));
    }

    private static Set<RunId> waiting(List<Ticket> tickets) {
        Set<RunId> runs = new LinkedHashSet<>();
        tickets.forEach(ticket -> runs.addAll(ticket.waiting()));
        return runs;
    }

    /** A record under another model's key would be decided by a task that does not know its model. */
    private static boolean belongs(String key, ModelName model, Draft draft) {
        if (model.value().equals(key)) {
            return true;
        }
        draft.emit(new Output.RefuseRecord("its key is '" + key + "' and its model is '" + model + "'"));
        return false;
    }

    private Coordinator coordinator(Draft draft) {
        return new Coordinator(wiring.limits(), wiring.worked(), draft);
    }

    private static Planner planner(Coordinator coordinator, Draft draft) {
        return new Planner(coordinator, draft);
    }
}
