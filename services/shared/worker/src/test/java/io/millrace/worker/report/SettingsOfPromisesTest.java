package io.millrace.worker.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What an operator's {@code --kafka-config} cannot undo. No broker that runs alone would show it. */
class SettingsOfPromisesTest {
    private static final Map<String, Object> OPERATORS = Map.of(
            "acks", "1",
            "enable.idempotence", false,
            "isolation.level", "read_uncommitted",
            "auto.offset.reset", "latest",
            "ssl.protocol", "TLSv1.3");

    @Test
    void anEndIsReportedWhenEveryReplicaHasItAndStandsThereOnce() {
        assertThat(EventPublisher.settings(OPERATORS))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true)
                .containsEntry("ssl.protocol", "TLSv1.3");
    }

    @Test
    void whatATransactionTookBackCancelsNothingAndOldCancellationsCount() {
        assertThat(Cancellations.settings(OPERATORS))
                .containsEntry("isolation.level", "read_committed")
                .containsEntry("auto.offset.reset", "earliest")
                .containsEntry("ssl.protocol", "TLSv1.3");
    }
}
