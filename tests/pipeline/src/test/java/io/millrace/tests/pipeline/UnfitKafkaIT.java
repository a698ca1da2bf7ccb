package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A Kafka that Millrace cannot work with: what is wrong is said, with what to do, and the command ends. */
final class UnfitKafkaIT {
    private static final int UNAVAILABLE = 4;
    private static final int UNSUCCESSFUL = 6;
    private static final long LONGEST_SECONDS = 120;

    @TempDir
    Path folder;

    private CommandLine millrace;

    @BeforeEach
    void chooseHome() {
        millrace = new CommandLine(folder.resolve("home"));
    }

    @Test
    void aClusterWithoutShareGroupsIsToldWhichReleaseItNeeds() throws Exception {
        try (OldBroker kafka = OldBroker.start(Files.createDirectories(folder.resolve("kafka")))) {

            CommandLine.Said said = millrace.run("doctor", "--kafka", kafka.address());

            assertThat(said.exitCode()).as(said.out()).isEqualTo(UNSUCCESSFUL);
            assertThat(said.out().lines().filter(line -> line.startsWith("share groups")))
                    .singleElement()
                    .satisfies(line -> assertThat(line)
                            .contains("WRONG", "no share groups", "upgrade to Kafka 4.3", "kafka-features.sh"));
            String store = folder.resolve("store").toString();
            for (List<String> command : List.of(
                    List.of("topics", "apply", "--kafka", kafka.address()),
                    List.of("conductor", "--kafka", kafka.address()),
                    List.of("quantizer", "--kafka", kafka.address(), "--store", store))) {
                CommandLine.Said refused = millrace.runElsewhere(command.toArray(String[]::new));
                assertThat(refused.exitCode())
                        .as("%s: %s", command, refused.err())
                        .isEqualTo(UNAVAILABLE);
                assertThat(refused.err()).as("%s", command).contains("no share groups", "upgrade to Kafka 4.3");
            }
        }
    }

    @Test
    void aBrokerThatIsDownOrSpeaksAnOlderLanguageEndsTheCommandWithItsAddress() throws Exception {
        Path out = folder.resolve("down.out");
        Path err = folder.resolve("down.err");
        String down = addressOfNobody();
        Process waiting = millrace.start(out, err, "runs", "--kafka", down);
        try (AncientBroker kafka = AncientBroker.start()) {

            CommandLine.Said old = millrace.run("runs", "--kafka", kafka.address());

            refused(old, kafka.address());
            assertThat(old.err()).contains("too old", "4.3");
            assertThat(waiting.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS))
                    .as("'runs' gives up within %d s", LONGEST_SECONDS)
                    .isTrue();
            refused(new CommandLine.Said(waiting.exitValue(), Files.readString(out), Files.readString(err)), down);
        } finally {
            waiting.destroyForcibly();
        }
    }

    private static void refused(CommandLine.Said said, String address) {
        assertThat(said.exitCode()).as(said.err()).isEqualTo(UNAVAILABLE);
        assertThat(said.out()).isEmpty();
        assertThat(said.err().lines().filter(line -> line.startsWith("millrace: ")))
                .as(said.err())
                .singleElement()
                .satisfies(line -> assertThat(line).contains("Kafka", address));
    }

    /** A port that was free a moment ago. */
    private static String addressOfNobody() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return "127.0.0.1:" + socket.getLocalPort();
        }
    }
}
