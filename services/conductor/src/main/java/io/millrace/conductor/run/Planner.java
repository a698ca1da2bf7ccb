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

/** Decides which runs there are: each checkpoint meets each policy that matches its model. */
public final class Planner {
    /** A publisher's clock may be this much ahead. */
    private static final Duration AHEAD = Duration.ofMinutes(5);

    private final Coordinator coordinator;
    private final Draft draft;
    private final Checkpoints checkpoints;
    private final Runs runs;
    private final RecordTimes times;

    public Planner(Coordinator coordinator, Draft draft) {
        this.coordinator = coordinator;
        this.draft = draft;
        this.checkpoints = new Checkpoints(draft.tables());
        this.runs = new Runs(draft.tables());
        this.times = new RecordTimes(draft.tables());
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
        times.published(standing, recordAt);
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
     * A policy is new, changed or deleted. It plans the newest checkpoints of the models that it matches. False if this
     * was done before.
     *
     * @param recordAt when the broker took the record
     */
    public boolean changed(String name, Optional<Policy> policy, Instant recordAt, Instant now) {
        if (times.isReadAgain(name, recordAt, now)) {
            return false;
        }
        times.changed(name, recordAt);
        Table<Policy> policies = draft.tables().policies();
        Optional<Policy> former = policies.get(name);
        Optional<Policy> standing = policy.map(next -> Revised.after(former, next));
        if (standing.isPresent() && former.equals(standing)) {
            return true;
        }
        standing.ifPresentOrElse(next -> policies.put(name, next), () -> {
            policies.delete(name);
            LatestModel.deleted(name, draft);
        });
        new PolicyChange(this, coordinator, draft, name, former, standing, times.changed(name), now).carryOut();
        return true;
    }

    /** What this run was asked to reach, if the policy and the checkpoint that asked still say the same. */
    public Optional<RunRequest> request(ModelName model, RunId run, Instant now) {
        List<CheckpointPublished> published = checkpoints.of(model);
        return policies().stream()
                .flatMap(policy -> policy.targets().stream()
                        .flatMap(target ->
                                published.stream().map(checkpoint -> request(checkpoint, policy, target, now))))
                .filter(request -> request.id().equals(run))
                .findFirst();
    }

    /** A checkpoint that is not the newest any more is superseded at once, if its policy says so. */
    void plan(CheckpointPublished checkpoint, Policy policy, Instant now) {
        Optional<CheckpointPublished> newer = policy.onNewer() == Policy.OnNewer.SUPERSEDE
                ? checkpoints.newest(checkpoint.model()).filter(newest -> newest.isNewerThan(checkpoint))
                : Optional.empty();
        for (Target target : policy.targets()) {
            RunRequest request = request(checkpoint, policy, target, now);
            if (runs.get(checkpoint.model(), request.id()).isEmpty()) {
                coordinator.enter(
                        newer.map(by -> RunMachine.supersede(request, by.version(), now))
                                .orElseGet(() -> RunMachine.begin(request)),
                        now);
            }
        }
    }

    RunRequest request(CheckpointPublished checkpoint, Policy policy, Target target, Instant now) {
        return RunRequest.of(checkpoint, policy, target, times.since(checkpoint, policy.name()), now);
    }

    void supersedeOlder(CheckpointPublished newest, Instant now) {
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
                coordinator.refused(request(checkpoint, policy, target, now), failure, now);
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
