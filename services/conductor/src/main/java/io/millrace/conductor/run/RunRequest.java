package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Job;
import io.millrace.events.Policy;
import io.millrace.events.RunId;
import io.millrace.events.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * What a run was asked to reach. Its target never changes, whatever becomes of the policy; where the checkpoint lies may.
 *
 * @param revision of the policy that asked last, 0 if that policy was deleted since
 * @param since when both its checkpoint and its policy were there, by the brokers' clocks; {@link Instant#EPOCH} in state
 *     that was written before this was kept
 * @param reopened when a person last asked for the ended run to go on; {@link Instant#EPOCH} if nobody did
 * @param recomputed how often an operator had everything computed anew
 */
public record RunRequest(
        RunId id,
        CheckpointPublished checkpoint,
        String policy,
        long revision,
        Policy.OnNewer onNewer,
        Target target,
        Instant since,
        Instant at,
        Instant reopened,
        int recomputed) {
    /** How far the clock that a record has its time from may be behind the one that it is compared with. */
    private static final Duration BEHIND = Duration.ofMinutes(5);

    public RunRequest {
        since = Objects.requireNonNullElse(since, Instant.EPOCH);
        reopened = Objects.requireNonNullElse(reopened, Instant.EPOCH);
    }

    public static RunRequest of(
            CheckpointPublished checkpoint, Policy policy, Target target, Instant since, Instant at) {
        RunId id = RunId.of(checkpoint, policy.name(), target);
        return new RunRequest(
                id,
                checkpoint,
                policy.name(),
                policy.revision(),
                policy.onNewer(),
                target,
                since,
                at,
                Instant.EPOCH,
                0);
    }

    /** The same, whatever checkpoint is newer. */
    RunRequest kept() {
        return new RunRequest(
                id, checkpoint, policy, revision, Policy.OnNewer.KEEP, target, since, at, reopened, recomputed);
    }

    /** A later revision of the policy asks for it again. */
    RunRequest askedBy(RunRequest later) {
        Policy.OnNewer kept = later.onNewer == Policy.OnNewer.KEEP ? Policy.OnNewer.KEEP : onNewer;
        return new RunRequest(id, checkpoint, policy, later.revision, kept, target, since, at, reopened, recomputed);
    }

    /** Its policy was deleted: one of the same name that is applied later counts its revisions anew. */
    RunRequest askedByNobody() {
        return new RunRequest(id, checkpoint, policy, 0, onNewer, target, since, at, reopened, recomputed);
    }

    /** The same run is asked for after it was superseded: what persons had asked of it counts still. */
    RunRequest resuming(RunRequest superseded) {
        return new RunRequest(
                id,
                checkpoint,
                policy,
                revision,
                onNewer,
                target,
                since,
                at,
                superseded.reopened,
                superseded.recomputed);
    }

    /** A person asked for it to go on. */
    RunRequest reopened(Instant recordAt) {
        return new RunRequest(id, checkpoint, policy, revision, onNewer, target, since, at, recordAt, recomputed);
    }

    /** Whether what this record asked for was done before the run began or went on: the record is read once more. */
    boolean isAfter(Instant recordAt, Instant now) {
        return Stream.of(since, reopened).anyMatch(begun -> isReadAgain(recordAt, begun, now));
    }

    /** Whether the record is older than what came of it. A time that is still to come is of a clock that was ahead, and tells nothing. */
    static boolean isReadAgain(Instant recordAt, Instant cameOfIt, Instant now) {
        return cameOfIt.isAfter(recordAt.plus(BEHIND)) && !cameOfIt.isAfter(now);
    }

    /** @param place the same checkpoint, wherever it lies now */
    RunRequest with(CheckpointPublished place) {
        return new RunRequest(id, place, policy, revision, onNewer, target, since, at, reopened, recomputed);
    }

    /** Whether this job reads the checkpoint from another place than this run would. */
    boolean isReadElsewhere(Job job) {
        ArtifactRef own = checkpoint.artifact();
        return job.inputs().values().stream()
                .anyMatch(input -> input.manifest().equals(own.manifest()) && !input.equals(own));
    }

    /** The same once more. Its jobs have other keys: a committed result is never replaced. */
    RunRequest anew(Instant again) {
        return new RunRequest(
                id, checkpoint, policy, revision, onNewer, target, since, again, reopened, recomputed + 1);
    }

    /**
     * A recomputation is another job with the same parameters, and no other run's: it may not take what another run
     * computed anew before. Run and count stand above the seeds that policies give.
     */
    long seed(long ofPolicy) {
        return recomputed == 0 ? ofPolicy : ofPolicy + (Objects.hash(id.toString(), recomputed) * (1L << 32));
    }
}
