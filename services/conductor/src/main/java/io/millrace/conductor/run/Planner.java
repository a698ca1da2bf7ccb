package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Failure;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Decides which runs there are: each checkpoint meets each policy that matches its model. */
public final class Planner {
    /** A publisher's clock may be this much ahead. */
    private static final Duration AHEAD = Duration.ofMinutes(5);

    private final Coordinator coordinator;
    private final Draft draft;
    private final Checkpoints checkpoints;
    private final Runs runs;

    public Planner(Coordinator coordinator, Draft draft) {
        this.coordinator = coordinator;
        this.draft = draft;
        this.checkpoints = new Checkpoints(draft.tables());
        this.runs = new Runs(draft.tables());
    }

    /**
     * Training published a checkpoint.
     *
     * @param recordAt when the broker took the record
     */
    public void published(CheckpointPublished checkpoint, Instant recordAt, Instant now) {
        if (checkpoint.publishedAt().isAfter(recordAt.plus(AHEAD))) {
            draft.emit(new Output.RefuseRecord("version '" + checkpoint.version() + "' of '" + checkpoint.model()
                    + "' says it was published at " + checkpoint.publishedAt()
                    + ", more than 5 minutes after its record ("
                    + recordAt + "); set the publisher's clock and publish again"));
            return;
        }
        Optional<String> conflict = checkpoints.conflict(checkpoint);
        if (conflict.isPresent()) {
            refuse(checkpoint, conflict.get(), now);
            return;
        }
        CheckpointPublished standing = checkpoints.keep(checkpoint);
        coordinator.moved(standing);
        Optional<CheckpointPublished> newest = checkpoints.newest(checkpoint.model());
        if (newest.isEmpty() || standing.isNewerThan(newest.get())) {
            checkpoints.setNewest(standing);
            supersedeOlder(standing, now);
        }
        for (Policy policy : matching(checkpoint.model())) {
            plan(standing, policy, now);
        }
    }

    /**
     * A policy is new, changed or deleted. It plans the newest checkpoints of the models that it matches.
     *
     * @param recordAt when the broker took the record
     */
    public void changed(String name, Optional<Policy> policy, Instant recordAt, Instant now) {
        Table<Policy> policies = draft.tables().policies();
        if (policy.isEmpty()) {
            policies.delete(name);
            LatestModel.deleted(name, draft);
            return;
        }
        Optional<Policy> former = policies.get(name);
        if (former.equals(policy)) {
            return;
        }
        policies.put(name, policy.get());
        draft.tables().newest().forEach("", (_, newest) -> {
            if (policy.get().matches(newest.model())) {
                checkpoints
                        .backfill(newest, policy.get().backfill())
                        .forEach(checkpoint -> ask(checkpoint, policy.get(), former, recordAt, now));
            }
        });
    }

    /** What this run was asked to reach, if the policy and the checkpoint that asked still say the same. */
    public Optional<RunRequest> request(ModelName model, RunId run, Instant now) {
        List<CheckpointPublished> published = checkpoints.of(model);
        return policies().stream()
                .flatMap(policy -> policy.targets().stream()
                        .flatMap(target ->
                                published.stream().map(checkpoint -> RunRequest.of(checkpoint, policy, target, now))))
                .filter(request -> request.id().equals(run))
                .findFirst();
    }

    /** A checkpoint that is not the newest any more is superseded at once, if its policy says so. */
    private void plan(CheckpointPublished checkpoint, Policy policy, Instant now) {
        Optional<CheckpointPublished> newer = policy.onNewer() == Policy.OnNewer.SUPERSEDE
                ? checkpoints.newest(checkpoint.model()).filter(newest -> newest.isNewerThan(checkpoint))
                : Optional.empty();
        for (Target target : policy.targets()) {
            RunRequest request = RunRequest.of(checkpoint, policy, target, now);
            if (runs.get(checkpoint.model(), request.id()).isEmpty()) {
                coordinator.enter(
                        newer.map(by -> RunMachine.supersede(request, by.version(), now))
                                .orElseGet(() -> RunMachine.begin(request)),
                        now);
            }
        }
    }

    /** A run that the former revision asked for, and that nobody knows any more, ended long ago and is not begun anew. */
    private void ask(
            CheckpointPublished checkpoint, Policy policy, Optional<Policy> former, Instant recordAt, Instant now) {
        Set<RunId> askedBefore = former.filter(before -> before.backfill() >= policy.backfill())
                .map(before -> runsOf(checkpoint, before))
                .orElse(Set.of());
        boolean old = coordinator.mayHaveForgotten(checkpoint, now);
        for (Target target : policy.targets()) {
            RunRequest request = asked(checkpoint, policy, target, now);
            Optional<RunState> run = runs.get(checkpoint.model(), request.id());
            if (run.isPresent() && isWantedAfterAll(run.get(), policy, recordAt)) {
                coordinator.enter(RunMachine.begin(request), now);
            } else if (run.isPresent()) {
                coordinator.askedAgain(run.get(), request);
            } else if (!old || !askedBefore.contains(request.id())) {
                coordinator.enter(RunMachine.begin(request), now);
            }
        }
    }

    /** Who asks for older checkpoints by their number wants each of them, whatever is published later. */
    private static RunRequest asked(CheckpointPublished checkpoint, Policy policy, Target target, Instant now) {
        RunRequest request = RunRequest.of(checkpoint, policy, target, now);
        return policy.backfill() > 1 ? request.kept() : request;
    }

    /** A newer checkpoint superseded the run before the policy's record was written. */
    private static boolean isWantedAfterAll(RunState run, Policy policy, Instant recordAt) {
        return policy.backfill() > 1 && run instanceof RunState.Superseded superseded && !superseded.isAfter(recordAt);
    }

    private static Set<RunId> runsOf(CheckpointPublished checkpoint, Policy policy) {
        return policy.matches(checkpoint.model())
                ? policy.targets().stream()
                        .map(target -> RunId.of(checkpoint, policy.name(), target))
                        .collect(Collectors.toUnmodifiableSet())
                : Set.of();
    }

    private void supersedeOlder(CheckpointPublished newest, Instant now) {
        List<RunState.Open> older = new ArrayList<>();
        draft.tables().open().forEach(Table.prefix(newest.model()), (_, run) -> {
            if (run.request().onNewer() == Policy.OnNewer.SUPERSEDE
                    && newest.isNewerThan(run.request().checkpoint())) {
                older.add(run);
            }
        });
        for (RunState.Open run : older) {
            coordinator.move(run, new RunEvent.NewerCheckpoint(newest.version(), now), now);
        }
    }

    /** The same version stands for other weights: every run that it would have started fails, in plain sight. */
    private void refuse(CheckpointPublished checkpoint, String why, Instant now) {
        List<Policy> asking = matching(checkpoint.model());
        Failure failure = new Failure(Reason.VERSION_CONFLICT, why);
        for (Policy policy : asking) {
            for (Target target : policy.targets()) {
                coordinator.refused(RunRequest.of(checkpoint, policy, target, now), failure, now);
            }
        }
        if (asking.isEmpty()) {
            draft.emit(new Output.RefuseRecord(why));
        }
    }

    private List<Policy> matching(ModelName model) {
        return policies().stream().filter(policy -> policy.matches(model)).toList();
    }

    private List<Policy> policies() {
        List<Policy> all = new ArrayList<>();
        draft.tables().policies().forEach("", (_, policy) -> all.add(policy));
        return all;
    }
}
