package io.millrace.conductor.run;

import io.millrace.events.Policy;
import java.util.Optional;

/**
 * A policy with a revision above that of its former content. Who applies one counts up what the topic has; two who do so
 * at once count to the same, and the one whose record came last is in force.
 */
final class Revised {
    private Revised() {}

    /** The same as {@code former} if this record says nothing new. */
    static Policy after(Optional<Policy> former, Policy next) {
        long before = former.map(Policy::revision).orElse(0L);
        if (next.revision() > before) {
            return next;
        }
        Policy same = with(next, before);
        return former.filter(same::equals).isPresent() ? same : with(next, before + 1);
    }

    private static Policy with(Policy policy, long revision) {
        return new Policy(
                policy.name(), policy.models(), policy.onNewer(), policy.targets(), revision, policy.backfill());
    }
}
