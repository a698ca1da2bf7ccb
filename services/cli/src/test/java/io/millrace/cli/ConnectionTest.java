package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchException;

import io.millrace.events.wire.Topics;
import java.io.PrintWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.errors.InterruptException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What a command meets that is stopped while it waits for a broker, or whose store does not answer. */
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

            assertThatThrownBy(() -> connection.requireBroker(new PrintWriter(Writer.nullWriter())))
                    .isInstanceOf(InterruptException.class);

            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void aBucketWhoseServerDoesNotAnswerIsUnavailable(@TempDir Path cache) throws Exception {
        Map<String, String> key = Map.of("aws.accessKeyId", "id", "aws.secretAccessKey", "secret");
        key.forEach(System::setProperty);
        try {
            // Nobody listens on this port.
            Connection connection = new Connection(
                    Map.of(),
                    Topics.DEFAULT,
                    Optional.of("s3://millrace-test/p?path-style&region=us-east-1&endpoint=http://127.0.0.1:1&cache="
                            + cache));
            Exception failure = catchException(connection::store);

            assertThat(failure).hasMessageContaining("the server does not answer");
            assertThat(exitCode(failure)).isEqualTo(ExitCode.UNAVAILABLE);
        } finally {
            key.keySet().forEach(System::clearProperty);
        }
    }

    @Test
    void topicsAreReadAsTheyWereCommittedAndAreNotMadeByAskingForThem() {
        Connection connection = new Connection(
                Map.of("isolation.level", "read_uncommitted", "ssl.protocol", "TLSv1.3"),
                Topics.DEFAULT,
                Optional.empty());

        assertThat(connection.reading())
                .containsEntry("isolation.level", "read_committed")
                .containsEntry("allow.auto.create.topics", false)
                .containsEntry("ssl.protocol", "TLSv1.3");
    }

    private static int exitCode(Exception failure) throws Exception {
        CommandLine line = Main.commandLine();
        line.setErr(new PrintWriter(Writer.nullWriter()));
        return line.getExecutionExceptionHandler().handleExecutionException(failure, line, null);
    }
}
