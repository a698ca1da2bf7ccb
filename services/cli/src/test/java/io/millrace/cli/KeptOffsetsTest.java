package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.cli.DoctorCommand.Finding;
import java.time.Duration;
import java.util.Map;
import org.apache.kafka.common.errors.ClusterAuthorizationException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

/** Kafka drops the offsets of a group some time after its last member left. */
class KeptOffsetsTest {
    @Test
    void aBrokerThatDropsThemSoonerThanKafkaDoesByItselfIsNamedWithTheRemedy() {
        Finding found = ClusterChecks.offsets(Map.of("1", Duration.ofDays(7), "2", Duration.ofDays(1)));

        assertThat(found.fine()).isFalse();
        assertThat(found.found())
                .isEqualTo("a conductor that is down for longer than 1 day reads all that its topics hold once more:"
                        + " offsets.retention.minutes of broker 2 is 1440; set it to 10080 or more, which is what Kafka does by"
                        + " itself");
    }

    @Test
    void aTimeThatIsNoWholeDayIsSaidInMinutes() {
        assertThat(ClusterChecks.offsets(Map.of("1", Duration.ofMinutes(90))).found())
                .contains("longer than 90 minutes");
    }

    @Test
    void aWeekOrMoreIsFineAndWhatItMeansIsSaid() {
        Finding found = ClusterChecks.offsets(Map.of("1", Duration.ofDays(14), "2", Duration.ofDays(7)));

        assertThat(found)
                .isEqualTo(new Finding(
                        "offsets",
                        true,
                        "a conductor that is down for longer than 7 days reads all that its topics hold once more"));
        assertThat(ClusterChecks.offsets(Map.of())).matches(Finding::fine);
    }

    /** As for the pod for commands, whose user sees Millrace's own settings only. */
    @Test
    void whoMayNotSeeItIsToldTheRightAndNothingIsWrong() {
        assertThat(ClusterChecks.offsetsUnknown(new ClusterAuthorizationException("Cluster authorization failed.")))
                .isEqualTo(new Finding(
                        "offsets",
                        true,
                        "how long they are kept is not known: this user may not see the settings of brokers"
                                + " (DescribeConfigs on the cluster)"));
        assertThat(ClusterChecks.offsetsUnknown(new TimeoutException("no answer within 10 s"))
                        .found())
                .endsWith(": no answer within 10 s");
    }
}
