package io.millrace.conductor.run;

import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Failure;
import io.millrace.events.Gate;
import io.millrace.events.Job;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.Parameters;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.StepDone;
import io.millrace.events.Target;
import io.millrace.events.policy.ImpossibleRung;
import io.millrace.events.policy.PolicyCheck;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The way up a ladder: from a position to the next job that must be asked for, or to the end. It passes rungs that can
 * never succeed, steps whose result an earlier rung of the same run has, rungs with a step that ended an earlier one, speeds
 * that no runtime can tell, and candidates that the gate refuses.
 */
final class Climb {
    private Climb() {}

    static Transition from(RunRequest request, Position start, int attempt, Instant at) {
        Target target = request.target();
        Position position = start;
        while (position.rung() < target.ladder().size()) {
            Plan plan = Plan.of(target, position.rung(), request.checkpoint().numbers());
            int measured = position.step() - (plan.steps().size() - 2);
            if (measured == 2 && target.gate().decide(position.evidence()) instanceof Decision.Accepted accepted) {
                return published(request, position, accepted, at);
            }
            Optional<Candidate.Outcome> refusal = refusal(request, position, measured);
            if (refusal.isPresent()) {
                position = refused(request, position, refusal.get());
                continue;
            }
            Step step = plan.step(position.step());
            Optional<String> untimed = measured == 1 ? untimed(target.ladder().get(position.rung())) : Optional.empty();
            if (untimed.isPresent()) {
                position = position.unmeasured(missingSpeed(step, untimed.get()));
                continue;
            }
            Job job = Plan.job(request, step, position.model(), position.equals(start) ? attempt : 1);
            Optional<StepDone> known = measured < 0 ? position.known(job.key()) : Optional.empty();
            if (known.isPresent()) {
                position = position.made(known.get());
                continue;
            }
            Optional<FailedStep> failed = position.failed(job);
            if (failed.isPresent()) {
                position = refused(request, position, failed.get());
                continue;
            }
            return asking(request, position, job, at);
        }
        return atTheEnd(request, position, at);
    }

    /** From where a failed run stands; at the end of its ladder it stands at the candidate that nobody judged. */
    static Transition again(RunRequest request, Position failed, int attempt, Instant at) {
        boolean atTheEnd = failed.rung() == request.target().ladder().size();
        Position position =
                atTheEnd ? failed.backToUnjudged(request.checkpoint().artifact()) : failed;
        return from(request, position.hopeful(), attempt, at);
    }

    private static Transition atTheEnd(RunRequest request, Position position, Instant at) {
        return position.unjudged()
                .map(failure -> RunMachine.failed(request, position, failure, position.attempts(failure), at))
                .orElseGet(() -> rejected(request, position, at));
    }

    static Transition afterSuccess(RunRequest request, Position position, RunEvent.StepSucceeded success) {
        Step step = stepAt(request, position);
        StepDone done = new StepDone(
                step.parameters().stage(),
                step.parameters().name(),
                success.device(),
                success.key(),
                success.attempt(),
                success.output(),
                success.sizeBytes(),
                success.cost(),
                success.fromStore(),
                success.at());
        Position next = step.parameters() instanceof Parameters.Benchmark
                ? position.measured(done, Excerpt.of(success.measurements()))
                : position.made(done);
        return from(request, next, 1, success.at());
    }

    /** A speed that cannot be had is a missing measurement, on which only a gate that limits it fails. */
    static Transition afterFailure(RunRequest request, Position position, CurrentJob job, Failure failure, Instant at) {
        Step step = stepAt(request, position);
        Position next = switch (step.parameters()) {
            case Parameters.Speed _ ->
                position.unmeasured(
                        missingSpeed(step, Excerpt.of(failure.reason().code() + ": " + failure.message())));
            case Parameters.Quality _, Parameters.Prune _, Parameters.Distill _, Parameters.Quantize _ ->
                refused(request, position, FailedStep.of(job, Excerpt.of(failure)));
        };
        return from(request, next, 1, at);
    }

    /** Whether there is anything to try after the step that a run stands at, or without its result. */
    static boolean mayGoOn(RunRequest request, Position position) {
        return position.rung() + 1 < request.target().ladder().size()
                || stepAt(request, position).parameters() instanceof Parameters.Speed;
    }

    private static Step stepAt(RunRequest request, Position position) {
        return Plan.of(request.target(), position.rung(), request.checkpoint().numbers())
                .step(position.step());
    }

    private static Optional<String> untimed(Recipe recipe) {
        return recipe.steps().getLast().parameters() instanceof Parameters.Quantize quantize
                ? quantize.untimed()
                : Optional.empty();
    }

    private static List<Measurement> missingSpeed(Step step, String why) {
        return Arrays.stream(Metric.values())
                .filter(metric -> !metric.quality())
                .map(metric -> Measurement.missing(metric, step.device(), why))
                .toList();
    }

    /** Why the rung is over here, if it is; {@code measured} counts the measurements behind it. */
    private static Optional<Candidate.Outcome> refusal(RunRequest request, Position position, int measured) {
        Gate gate = request.target().gate();
        return switch (measured) {
            case 1 -> refusal(gate.decideQuality(position.evidence()));
            case 2 -> refusal(gate.decide(position.evidence()));
            default -> position.step() == 0 ? impossible(request, position.rung()) : Optional.empty();
        };
    }

    private static Optional<Candidate.Outcome> refusal(Decision decision) {
        return switch (decision) {
            case Decision.Accepted _ -> Optional.empty();
            case Decision.Refused refused -> Optional.of(new Candidate.Judged(refused));
        };
    }

    private static Optional<Candidate.Outcome> impossible(RunRequest request, int rung) {
        Target target = request.target();
        Optional<Step> calibrated = target.ladder().get(rung).steps().stream()
                .filter(step -> step.parameters().calibrated())
                .findFirst();
        Optional<String> why = calibrated.isPresent() && target.calibration().isEmpty()
                ? Optional.of("'" + calibrated.get().summary() + "' needs a text, and target '" + target.name()
                        + "' has no calibration text; add 'calibrate' to the policy")
                : PolicyCheck.impossibleRungs(request.checkpoint().numbers(), target).stream()
                        .filter(impossible -> impossible.rung() == rung)
                        .map(ImpossibleRung::reason)
                        .findFirst();
        return why.map(message -> new Candidate.StepFailed(new Failure(Reason.IMPOSSIBLE_RUNG, message)));
    }

    private static Position refused(RunRequest request, Position position, Candidate.Outcome outcome) {
        Recipe recipe = request.target().ladder().get(position.rung());
        return position.refused(recipe.summary(), outcome, request.checkpoint().artifact());
    }

    private static Position refused(RunRequest request, Position position, FailedStep step) {
        Recipe recipe = request.target().ladder().get(position.rung());
        return position.refused(recipe.summary(), step, request.checkpoint().artifact());
    }

    private static Transition asking(RunRequest request, Position position, Job job, Instant at) {
        CurrentJob current = CurrentJob.asked(job, at);
        RunState state = position.begun()
                ? new RunState.Working(request, position, current)
                : new RunState.Requested(request, position, current);
        return Transition.to(state, new Command.AskFor(job));
    }

    private static Transition rejected(RunRequest request, Position position, Instant at) {
        CheckpointPublished checkpoint = request.checkpoint();
        ModelRejected event = new ModelRejected(
                request.id(),
                checkpoint.model(),
                checkpoint.version(),
                request.policy(),
                request.target().name(),
                position.tried(),
                at);
        return Transition.to(new RunState.Rejected(request, position, at), new Command.RejectModel(event));
    }

    private static Transition published(RunRequest request, Position position, Decision.Accepted decision, Instant at) {
        CheckpointPublished checkpoint = request.checkpoint();
        Target target = request.target();
        Recipe recipe = target.ladder().get(position.rung());
        Parameters last = recipe.steps().getLast().parameters();
        boolean quantized = last instanceof Parameters.Quantize;
        ModelPublished event = new ModelPublished(
                request.id(),
                checkpoint.model(),
                checkpoint.version(),
                request.policy(),
                target.name(),
                target.device(),
                position.model(),
                quantized ? last.name() : "safetensors",
                last instanceof Parameters.Quantize quantize
                        ? quantize.type()
                        : checkpoint.numbers().dtype(),
                checkpoint,
                recipe.summary(),
                position.rung(),
                decision,
                position.modelBytes(),
                Math.multiplyExact(2L, checkpoint.numbers().parameters()),
                at);
        return Transition.to(new RunState.Published(request, position, event, at), new Command.PublishModel(event));
    }
}
