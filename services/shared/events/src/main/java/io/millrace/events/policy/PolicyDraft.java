package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Policy;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import java.util.List;
import java.util.Optional;

/**
 * A policy as written, checked, with its files still named by path.
 *
 * @param remarks what is written and changes nothing, or can hardly be meant, one line each
 */
public record PolicyDraft(
        String name,
        String models,
        Device workOn,
        Policy.OnNewer onNewer,
        TextDraft evaluation,
        Optional<TextDraft> calibration,
        List<TargetDraft> targets,
        List<String> remarks) {
    public PolicyDraft {
        targets = List.copyOf(targets);
        remarks = List.copyOf(remarks);
    }

    /**
     * The policy, once its files have digests.
     *
     * @param inputs puts a file into the store
     * @param revision greater than that of the policy it replaces
     * @param backfill how many of the newest checkpoints of each model are planned
     */
    public Policy resolve(PolicyInputs inputs, long revision, int backfill) {
        TextUse evaluationUse = evaluation.resolve(inputs);
        Optional<TextUse> calibrationUse = calibration.map(text -> text.resolve(inputs));
        List<Target> resolved = targets.stream()
                .map(target -> new Target(
                        target.name(),
                        target.device(),
                        workOn,
                        evaluationUse,
                        calibrationUse,
                        target.ladder().stream()
                                .map(recipe -> recipe.resolve(inputs))
                                .toList(),
                        target.gate()))
                .toList();
        return new Policy(name, models, onNewer, resolved, revision, backfill);
    }
}
