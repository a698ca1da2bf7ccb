package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** What a caller's settings cannot undo. No broker that runs alone would show it. */
class ConnectionTest {
    private static final Map<String, Object> CALLERS = Map.of(
            "acks", "1",
            "enable.idempotence", false,
            "isolation.level", "read_uncommitted",
            "ssl.protocol", "TLSv1.3");

    @Test
    void aCheckpointIsPublishedWhenEveryReplicaHasItAndStandsThereOnce() {
        assertThat(Connection.writing(CALLERS))
                .containsEntry("acks", "all")
                .containsEntry("enable.idempotence", true)
                .containsEntry("ssl.protocol", "TLSv1.3");
    }

    @Test
    void aModelIsSeenOnceItIsCommittedAndItsTopicIsNotMadeByAskingForIt() {
        assertThat(Connection.reading(CALLERS))
                .containsEntry("isolation.level", "read_committed")
                .containsEntry("allow.auto.create.topics", false)
                .containsEntry("auto.offset.reset", "earliest")
                .containsEntry("ssl.protocol", "TLSv1.3");
    }
}
