package io.millrace.events;

import java.util.List;
import java.util.stream.Collectors;

/** What the gate said of a candidate, with the evidence that it rests on. */
public sealed interface Decision {
    List<Measurement> evidence();

    /** One for each limit that was judged. */
    List<Verdict> verdicts();

    /** Every limit was kept. */
    record Accepted(List<Measurement> evidence, List<Verdict> verdicts) implements Decision {
        public Accepted {
            evidence = List.copyOf(evidence);
            verdicts = List.copyOf(verdicts);
        }
    }

    /** At least one limit was broken, or could not be judged. */
    record Refused(List<Measurement> evidence, List<Verdict> verdicts) implements Decision {
        public Refused {
            evidence = List.copyOf(evidence);
            verdicts = List.copyOf(verdicts);
        }

        /** The explanations of the limits that were broken. */
        public String reasons() {
            return verdicts.stream()
                    .filter(verdict -> !verdict.kept())
                    .map(Verdict::explanation)
                    .collect(Collectors.joining("; "));
        }
    }
}
