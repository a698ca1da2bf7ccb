package io.millrace.cli;

import io.millrace.events.JobKey;
import io.millrace.events.RunId;
import io.millrace.store.StoreCheck.Damage;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Something damaged or missing in the store, and what to do.
 *
 * @param neededBy the jobs whose results need it
 * @param runs those that used such a result
 * @param missedBy the published models, checkpoints and policies that need it
 */
record StoreFinding(
        String place, String found, List<JobKey> neededBy, List<RunId> runs, List<String> missedBy, String remedy) {

    static StoreFinding of(Damage damage, StoreNeeds needs) {
        List<RunId> runs = damage.neededBy().stream()
                .flatMap(job -> needs.runs(job).stream())
                .distinct()
                .toList();
        List<StoreNeeds.Need> missed =
                damage.artifacts().stream().map(needs::of).flatMap(Set::stream).toList();
        List<String> remedies = new ArrayList<>();
        runs.stream().map(StoreNeeds::recompute).forEach(remedies::add);
        missed.stream().map(StoreNeeds.Need::remedy).forEach(remedies::add);
        return new StoreFinding(
                damage.place(),
                damage.found(),
                damage.neededBy(),
                runs,
                missed.stream().map(StoreNeeds.Need::by).toList(),
                remedy(damage, remedies.stream().distinct().toList()));
    }

    private static String remedy(Damage damage, List<String> remedies) {
        String delete = damage.missing() ? "" : "delete it, then ";
        if (!remedies.isEmpty()) {
            return delete + "bring it back: " + String.join(" or ", remedies);
        }
        return damage.neededBy().isEmpty()
                ? delete + "apply the policy or publish the checkpoint again that has it; no result needs it"
                : delete + "leave it: the job is computed again when a run asks for it";
    }

    String text() {
        StringBuilder text = new StringBuilder(place).append("\n  ").append(found);
        if (!neededBy.isEmpty()) {
            text.append("\n  needed by job")
                    .append(neededBy.size() == 1 ? " " : "s ")
                    .append(neededBy.stream()
                            .map(job -> job.digest().abbreviated())
                            .collect(Collectors.joining(", ")));
        }
        if (!missedBy.isEmpty()) {
            text.append("\n  needed by ").append(String.join(", ", missedBy));
        }
        return text.append("\n  ").append(remedy).toString();
    }
}
