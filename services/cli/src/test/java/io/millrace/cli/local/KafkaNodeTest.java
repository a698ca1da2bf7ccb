package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import org.apache.kafka.common.utils.Exit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KafkaNodeTest {
    /** As Ctrl-C finds it in the first seconds of {@code up}: on the terminal there was a stack trace. */
    @Test
    void aNodeThatStartsWhileItsProcessEndsInstallsNoShutdownHook(@TempDir Path folder) throws Exception {
        JavaCommand command = new JavaCommand(
                "ending",
                EndingProcess.class.getName(),
                List.of(),
                List.of(folder.resolve("node").toString()));

        assertThat(command.start(folder).waitFor()).isZero();

        assertThat(command.log(folder))
                .content()
                .contains("the node did not start: ")
                .doesNotContain("Shutdown in progress", "ShutdownCallbackRegistry");
    }

    static final class EndingProcess {
        private EndingProcess() {}

        public static void main(String[] arguments) {
            Path folder = Path.of(arguments[0]);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> start(folder)));
        }

        /** Goes as far as the port of its controller, which is taken. */
        private static void start(Path folder) {
            Exit.setHaltProcedure(EndingProcess::fail);
            Exit.setExitProcedure(EndingProcess::fail);
            try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                KafkaNode.formatter(folder, 1).run();
                KafkaNode.start(KafkaNode.settings(folder, 1, List.of(1), List.of(taken.getLocalPort()), 1));
            } catch (Exception e) {
                System.out.println("the node did not start: " + e.getMessage());
            }
        }

        private static void fail(int status, @Nullable String message) {
            throw new IllegalStateException("status " + status + ": " + message);
        }
    }
}
