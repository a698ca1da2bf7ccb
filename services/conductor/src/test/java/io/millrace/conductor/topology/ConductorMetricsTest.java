package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.millrace.conductor.Given;
import io.millrace.events.Digest;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import org.junit.jupiter.api.Test;

final class ConductorMetricsTest {
    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

    /** A conductor that cannot open its state on disk deletes it and begins anew, in the same process. */
    @Test
    void aConductorThatBeginsAnewShowsItsOwnRuns() {
        ConductorMetrics before = new ConductorMetrics(registry);
        ConductorMetrics anew = new ConductorMetrics(registry);

        anew.stands(new RunId(Digest.of("run")), RunStatus.WORKING, Given.START);

        assertThat(open(RunStatus.WORKING)).isEqualTo(1);
        assertThat(open(RunStatus.BACKING_OFF)).isZero();
        assertThat(registry.get("millrace.runs.oldest.seconds").gauge().value()).isPositive();
        before.leaves(new RunId(Digest.of("run")));
        assertThat(open(RunStatus.WORKING)).isEqualTo(1);
    }

    private double open(RunStatus status) {
        return registry.get("millrace.runs.open")
                .tag("status", status.wireName())
                .gauge()
                .value();
    }
}
