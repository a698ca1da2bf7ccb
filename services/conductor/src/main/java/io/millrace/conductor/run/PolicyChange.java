package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import io.millrace.events.Policy;
import io.millrace.events.Target;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * What a new, changed or deleted policy does. It plans the newest checkpoints of the models that it matches, as they were
 * when the broker took its record. A checkpoint that came after that record and was read before it met the former policy:
 * what it began by that is taken back, and it meets this one.
 *
 * @param standing the policy as it is from now on; empty if it was deleted
 * @param at when the broker took its record
 */
record PolicyChange(
        Planner planner,
        Coordinator coordinator,
        Draft draft,
        String name,
        Optional<Policy> former,
        Optional<Policy> standing,
        Instant at,
        Instant now) {
    void carryOut() {
        List<CheckpointPublished> models = new ArrayList<>();
        draft.tables().newest().forEach("", (_, newest) -> models.add(newest));
        for (CheckpointPublished newest : models) {
            boolean matches = standing.isPresent() && standing.get().matches(newest.model());
            if (new RecordTimes(draft.tables()).isAnyAfter(newest.model(), at)) {
                withdraw(newest.model());
                if (matches) {
                    planInOrder(newest, standing.get());
                }
            } else if (matches) {
                new Checkpoints(draft.tables())
                        .backfill(newest, standing.get().backfill())
                        .forEach(checkpoint -> ask(checkpoint, standing.get()));
            }
        }
    }

    /** First what stood when the policy changed, then what came after. */
    private void planInOrder(CheckpointPublished newest, Policy policy) {
        RecordTimes times = new RecordTimes(draft.tables());
        Predicate<CheckpointPublished> after = checkpoint -> times.isAfter(checkpoint, at);
        List<CheckpointPublished> all = new Checkpoints(draft.tables()).backfill(newest, Integer.MAX_VALUE);
        all.stream()
                .filter(after.negate())
                .limit(Math.max(1, policy.backfill()))
                .forEach(checkpoint -> ask(checkpoint, policy));
        all.stream().filter(after).toList().reversed().forEach(checkpoint -> {
            planner.plan(checkpoint, policy, now);
            planner.supersedeOlder(checkpoint, now);
        });
    }

    /** Runs of checkpoints that came later, which the policy as it is does not ask for. */
    private void withdraw(ModelName model) {
        List<RunState> runs = new ArrayList<>();
        String prefix = Table.prefix(model);
        draft.tables().open().forEach(prefix, (_, run) -> runs.add(run));
        draft.tables()
                .ended()
                .forEach(
                        prefix,
                        (_, run) -> Stream.of(run)
                                .filter(RunState.Superseded.class::isInstance)
                                .forEach(runs::add));
        String change = standing.isPresent() ? "changed" : "deleted";
        String why = "policy '" + name + "' was " + change + " at " + at + ", before this checkpoint was published";
        runs.stream()
                .filter(run -> run.request().policy().equals(name)
                        && at.isBefore(run.request().since())
                        && !isAskedFor(run))
                .forEach(run -> coordinator.withdraw(run, why, now));
    }

    private boolean isAskedFor(RunState run) {
        return standing.filter(
                        policy -> Forgotten.isAskedFor(run.id(), run.request().checkpoint(), policy))
                .isPresent();
    }

    private void ask(CheckpointPublished checkpoint, Policy policy) {
        Forgotten forgotten = coordinator.forgotten(former, now);
        for (Target target : policy.targets()) {
            RunRequest request = asked(checkpoint, policy, target);
            Optional<RunState> run = new Runs(draft.tables()).get(checkpoint.model(), request.id());
            if (run.isPresent() && isWantedAfterAll(run.get(), policy)) {
                coordinator.enter(RunMachine.begin(request.resuming(run.get().request())), now);
            } else if (run.isPresent()) {
                coordinator.askedAgain(run.get(), request);
            } else if (!forgotten.mayBe(checkpoint, policy, target)) {
                coordinator.enter(RunMachine.begin(request), now);
            }
        }
    }

    /** Who asks for older checkpoints by their number wants each of them, whatever is published later. */
    private RunRequest asked(CheckpointPublished checkpoint, Policy policy, Target target) {
        RunRequest request = planner.request(checkpoint, policy, target, now);
        return policy.backfill() > 1 ? request.kept() : request;
    }

    /** Superseded, or never would have been, had the policy's record been read in time. */
    private static boolean isWantedAfterAll(RunState run, Policy policy) {
        return policy.backfill() > 1 && run instanceof RunState.Superseded;
    }
}
