package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KafkaNodeTest {
    /** As Ctrl-C finds it in the first seconds of {@code up}: on the terminal there was a stack trace of Log4j. */
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
                .contains("the folder is no node's")
                .doesNotContain("Shutdown in progress", "ShutdownCallbackRegistry");
    }

    static final class EndingProcess {
        private EndingProcess() {}

        public static void main(String[] arguments) {
            Path folder = Path.of(arguments[0]);
            Runtime.getRuntime().addShutdownHook(new Thread(() -> start(folder)));
        }

        private static void start(Path folder) {
            try {
                KafkaNode.start(KafkaNode.settings(folder, 1, List.of(1), List.of(2), 1));
            } catch (Exception e) {
                System.out.println("the folder is no node's: " + e.getMessage());
            }
        }
    }
}
