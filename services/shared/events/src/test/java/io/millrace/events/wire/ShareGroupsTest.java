package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ShareGroupsTest {
    @Test
    void anyLockThatLeavesTimeToRenewAndToShowASignOfLifeIsAccepted() {
        for (String millis : List.of("5000", "15000", "30000", "60000", "180000")) {
            assertThat(ShareGroups.lockProblem("jobs", Optional.of(millis)))
                    .as(millis)
                    .isEmpty();
        }
    }

    @Test
    void aLockThatDoesNotWorkIsNamedWithItsBoundsAndWhatForItIs() {
        for (String millis : List.of("4999", "180001", "-1", "", "3600000")) {
            assertThat(ShareGroups.lockProblem("jobs", Optional.of(millis)).orElseThrow())
                    .startsWith("share group 'jobs' has share.record.lock.duration.ms=" + millis
                            + ", expected 5000 to 180000 ms")
                    .endsWith("each third of it");
        }
        assertThat(ShareGroups.lockProblem("jobs", Optional.empty()).orElseThrow())
                .contains("not known to the broker");
    }
}
