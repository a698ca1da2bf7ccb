package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;

/** The conductor is a service: its log is told without being asked for. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
final class ConductorLogTest {
    @Test
    void whatItsKafkaClientsWarnOfIsLogged() throws Exception {
        assertThat(firstWarning()).contains(" WARN ", "NetworkClient").doesNotStartWith("{");
    }

    @Test
    void itsLogMayBeJson() throws Exception {
        assertThat(firstWarning("--log-json")).startsWith("{").contains("\"level\":\"WARN\"");
    }

    /** From a process of its own, since this one has the log of the tests. */
    private static String firstWarning(String... more) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                Main.class.getName(),
                "conductor",
                "--kafka",
                whereNobodyListens()));
        command.addAll(List.of(more));
        ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        Process process = builder.start();
        try (BufferedReader log = process.errorReader()) {
            return log.lines()
                    .filter(line -> line.contains("WARN") && !line.startsWith("WARNING"))
                    .findFirst()
                    .orElse("no warning before it ended");
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static String whereNobodyListens() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return "127.0.0.1:" + socket.getLocalPort();
        }
    }
}
