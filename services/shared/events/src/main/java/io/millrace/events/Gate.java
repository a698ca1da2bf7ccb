package io.millrace.events;

import java.util.List;

/** The limits that a candidate must keep to be published. It fails closed: what was not measured is refused. */
public record Gate(List<Limit> limits) {
    public Gate {
        limits = List.copyOf(limits);
        if (limits.isEmpty()) {
            throw new IllegalArgumentException("a gate has at least one limit");
        }
    }

    /** Judges a candidate by all the evidence there is. */
    public Decision decide(List<Measurement> evidence) {
        return decide(limits, evidence);
    }

    /**
     * Judges by the limits on quality alone, before the target's device is bothered with a speed measurement. An
     * acceptance here is not the last word.
     */
    public Decision decideQuality(List<Measurement> evidence) {
        return decide(limits.stream().filter(limit -> limit.metric().quality()).toList(), evidence);
    }

    private static Decision decide(List<Limit> limits, List<Measurement> evidence) {
        List<Verdict> verdicts =
                limits.stream().map(limit -> limit.judge(evidence)).toList();
        return verdicts.stream().allMatch(Verdict::kept)
                ? new Decision.Accepted(evidence, verdicts)
                : new Decision.Refused(evidence, verdicts);
    }
}
