package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.wire.Topics;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.errors.InterruptException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A command that is stopped while it waits for a broker. */
final class ConnectionTest {
    private static final int LESS_THAN_THE_WAIT_FOR_A_BROKER_SECONDS = 20;

    @Test
    @Timeout(LESS_THAN_THE_WAIT_FOR_A_BROKER_SECONDS)
    void anInterruptEndsTheWaitForABrokerThatHangs() throws Exception {
        try (ServerSocket hanging = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Connection connection = new Connection(
                    Map.of("bootstrap.servers", "127.0.0.1:" + hanging.getLocalPort()),
                    Topics.DEFAULT,
                    Optional.empty());
            Thread.currentThread().interrupt();

            assertThatThrownBy(connection::requireBroker).isInstanceOf(InterruptException.class);

            assertThat(Thread.interrupted()).isTrue();
        }
    }
}
