package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Blame;
import io.millrace.events.Candidate;
import io.millrace.events.Failure;
import io.millrace.events.Job;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import io.millrace.events.StepDone;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How far a run has come up its ladder.
 *
 * @param rung from 0
 * @param step of the rung, from 0, measurements included
 * @param model the checkpoint, then each step's output
 * @param modelBytes size of {@code model}, 0 while it is the checkpoint
 * @param begun some worker has worked for this run
 * @param finished steps of this rung
 * @param evidence measurements of this rung's candidate
 * @param tried rungs before this one; those before a failure are missing where no record could hold them
 * @param failed steps for which rungs before this one ended, since an operator asked last
 */
public record Position(
        int rung,
        int step,
        ArtifactRef model,
        long modelBytes,
        boolean begun,
        List<StepDone> finished,
        List<Measurement> evidence,
        List<Candidate> tried,
        List<FailedStep> failed) {
    public Position {
        // State that was written before failed steps were kept.
        failed = List.copyOf(Objects.requireNonNullElse(failed, List.of()));
        finished = List.copyOf(finished);
        evidence = List.copyOf(evidence);
        tried = List.copyOf(tried);
    }

    static Position start(ArtifactRef checkpoint) {
        return new Position(0, 0, checkpoint, 0, false, List.of(), List.of(), List.of(), List.of());
    }

    Position withBegun() {
        return begun ? this : new Position(rung, step, model, modelBytes, true, finished, evidence, tried, failed);
    }

    /** The same model at another place. */
    Position with(ArtifactRef place) {
        return new Position(rung, step, place, modelBytes, begun, finished, evidence, tried, failed);
    }

    /** After a step that made a model. */
    Position made(StepDone done) {
        return new Position(
                rung, step + 1, done.output(), done.sizeBytes(), true, plus(finished, done), evidence, tried, failed);
    }

    /** After a step that measured the model. */
    Position measured(StepDone done, List<Measurement> measurements) {
        return new Position(
                rung,
                step + 1,
                model,
                modelBytes,
                true,
                plus(finished, done),
                plus(evidence, measurements),
                tried,
                failed);
    }

    /** After a measurement that could not be had. */
    Position unmeasured(List<Measurement> missing) {
        return new Position(rung, step + 1, model, modelBytes, begun, finished, plus(evidence, missing), tried, failed);
    }

    /** On the next rung, with this one's end noted. */
    Position refused(String recipe, Candidate.Outcome outcome, ArtifactRef checkpoint) {
        Optional<ArtifactRef> artifact = model.equals(checkpoint) ? Optional.empty() : Optional.of(model);
        Candidate candidate = new Candidate(rung, recipe, finished, artifact, outcome);
        return new Position(rung + 1, 0, checkpoint, 0, begun, List.of(), List.of(), plus(tried, candidate), failed);
    }

    /** On the next rung, since this step cannot be had. */
    Position refused(String recipe, FailedStep step, ArtifactRef checkpoint) {
        Position next = refused(recipe, new Candidate.StepFailed(step.failure()), checkpoint);
        List<FailedStep> known = failed.contains(step) ? failed : plus(failed, step);
        return new Position(next.rung, 0, checkpoint, 0, begun, List.of(), List.of(), next.tried, known);
    }

    Position withoutTried() {
        return new Position(rung, step, model, modelBytes, begun, finished, evidence, List.of(), failed);
    }

    /** Why the first candidate was never judged that might still be, had we or our surroundings not failed. */
    Optional<Failure> unjudged() {
        return tried.stream().flatMap(candidate -> unjudged(candidate).stream()).findFirst();
    }

    private static Optional<Failure> unjudged(Candidate candidate) {
        return candidate.outcome() instanceof Candidate.StepFailed(Failure failure)
                        && (failure.blame() == Blame.OURSELVES || failure.blame() == Blame.SURROUNDINGS)
                ? Optional.of(failure)
                : Optional.empty();
    }

    /** At the start of that candidate's rung. */
    Position backToUnjudged(ArtifactRef checkpoint) {
        int first = 0;
        while (unjudged(tried.get(first)).isEmpty()) {
            first++;
        }
        return new Position(first, 0, checkpoint, 0, begun, List.of(), List.of(), tried.subList(0, first), failed);
    }

    /** The result that an earlier rung of this run has for this key. */
    Optional<StepDone> known(JobKey key) {
        return tried.stream()
                .flatMap(candidate -> candidate.steps().stream())
                .filter(done -> done.job().equals(key))
                .findFirst();
    }

    /** Why an earlier rung of this run ended with this job. */
    Optional<FailedStep> failed(Job job) {
        return failed.stream().filter(step -> step.is(job)).findFirst();
    }

    /** The last attempt that ended so. */
    int attempts(Failure failure) {
        return failed.stream()
                .filter(step -> step.failure().equals(failure))
                .mapToInt(FailedStep::attempt)
                .findFirst()
                .orElse(0);
    }

    /** An operator asks for it once more, also for what failed. */
    Position hopeful() {
        return new Position(rung, step, model, modelBytes, begun, finished, evidence, tried, List.of());
    }

    private static <T> List<T> plus(List<T> list, T item) {
        return Stream.concat(list.stream(), Stream.of(item)).toList();
    }

    private static <T> List<T> plus(List<T> list, List<T> more) {
        List<T> all = new ArrayList<>(list);
        all.addAll(more);
        return all;
    }
}
