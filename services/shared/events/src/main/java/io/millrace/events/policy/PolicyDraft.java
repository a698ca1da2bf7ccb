package io.millrace.events.policy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Device;
import io.millrace.events.Policy;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** A policy as written, checked, with its texts still named by path. */
public record PolicyDraft(
        String name,
        String models,
        Device workOn,
        Policy.OnNewer onNewer,
        TextDraft evaluation,
        Optional<TextDraft> calibration,
        List<TargetDraft> targets) {
    public PolicyDraft {
        targets = List.copyOf(targets);
    }

    /**
     * The policy, once its texts have digests.
     *
     * @param texts puts a file into the store
     * @param revision greater than that of the policy it replaces
     * @param backfill how many of the newest checkpoints of each model are planned
     */
    public Policy resolve(Function<Path, ArtifactRef> texts, long revision, int backfill) {
        TextUse evaluationUse = evaluation.resolve(texts);
        Optional<TextUse> calibrationUse = calibration.map(text -> text.resolve(texts));
        List<Target> resolved = targets.stream()
                .map(target -> new Target(
                        target.name(),
                        target.device(),
                        workOn,
                        evaluationUse,
                        calibrationUse,
                        target.ladder(),
                        target.gate()))
                .toList();
        return new Policy(name, models, onNewer, resolved, revision, backfill);
    }
}
