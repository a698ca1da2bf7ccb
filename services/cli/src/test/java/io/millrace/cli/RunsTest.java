package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.ModelName;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** How runs are named and shown; what they are is tried with a broker. */
class RunsTest {
    private static final RunChanged ONE = run("one");
    private static final RunChanged OTHER = run("other");

    @Test
    void aRunIsFoundByItsFirstDigits() {
        String id = ONE.run().toString();

        assertThat(RunFinder.find(List.of(ONE, OTHER), id)).isEqualTo(ONE);
        assertThat(RunFinder.find(List.of(ONE, OTHER), id.substring(0, 8))).isEqualTo(ONE);
        assertThatThrownBy(() -> RunFinder.find(List.of(ONE, ONE), id.substring(0, 8)))
                .hasMessage("'" + id.substring(0, 8) + "' could be any of " + id.substring(0, 12) + ", "
                        + id.substring(0, 12) + "; give more digits");
        assertThatThrownBy(() -> RunFinder.find(List.of(ONE, OTHER), "zz"))
                .hasMessage("no run 'zz'; 'millrace runs' lists all 2");
    }

    /** As {@code millrace cancel "$RUN"} gives it where RUN is not set: it would fit the only run there is. */
    @Test
    void nothingNamesNoRun() {
        assertThatThrownBy(() -> RunFinder.find(List.of(ONE), ""))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE))
                .hasMessage("found nothing, expected the first digits of a run; 'millrace runs' lists all");
    }

    @Test
    void runsAreOneDocumentAndWhenTheyAreWatchedALineEachTime() {
        assertThat(shown("runs", "--output", "json")).startsWith("[ {").contains("}, {", "} ]");
        assertThat(shown("runs", "--output", "json", "--watch"))
                .startsWith("[{\"run\":\"" + ONE.run())
                .hasLineCount(2);
        assertThat(shown("runs", "--watch")).startsWith("RUN ").hasLineCount(6);
    }

    @Test
    void aRowSaysWhereItsRunIsHowFarAndWhy() {
        RunChanged working = KnownEvents.state(
                KnownEvents.run("working"),
                KnownEvents.CHAT,
                RunStatus.WORKING,
                0,
                1,
                Optional.empty(),
                List.of(),
                List.of());
        RunChanged failed = KnownEvents.state(
                KnownEvents.run("failed"),
                KnownEvents.CHAT,
                RunStatus.FAILED,
                0,
                3,
                Optional.of(new Failure(Reason.NOT_FINITE, "a weight is NaN")),
                List.of(),
                List.of());

        assertThat(RunsCommand.row(working, KnownEvents.at(180)))
                .containsExactly(
                        working.run().digest().abbreviated(),
                        "chat-7b",
                        "4000",
                        "phone",
                        "working",
                        "2/3",
                        "quantize on h100",
                        "25 %",
                        "3 h",
                        "rows");
        assertThat(RunsCommand.row(failed, KnownEvents.at(180)))
                .containsExactly(
                        failed.run().digest().abbreviated(),
                        "chat-7b",
                        "4000",
                        "phone",
                        "failed",
                        "3/3",
                        "–",
                        "–",
                        "3 h",
                        "not-finite: a weight is NaN");
    }

    @Test
    void whereNoModelIsOfThatNameNothingIsSaidOfOthers() {
        assertThat(none("models", "--model", "chat-7c")).startsWith("no published models of model chat-7c; ");
        assertThat(none("models")).startsWith("no published models yet; ");
    }

    private static String none(String... arguments) {
        CommandLine line = Main.commandLine(arguments);
        line.parseArgs(arguments);
        return line.getSubcommands().get("models").<ModelsCommand>getCommand().none();
    }

    private static RunChanged run(String name) {
        Instant at = Instant.parse("2026-11-30T10:00:00Z");
        return new RunChanged(
                new RunId(Digest.of(name)),
                new ModelName("chat-7b"),
                "1",
                "policy",
                "phone",
                at,
                at,
                RunStatus.REQUESTED,
                0,
                1,
                0,
                3,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                0,
                false,
                0,
                0,
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty());
    }

    /** What is printed when two runs are shown twice. */
    private static String shown(String... arguments) {
        StringWriter out = new StringWriter();
        CommandLine line = Main.commandLine(arguments);
        line.setOut(new PrintWriter(out));
        line.parseArgs(arguments);
        RunsCommand runs = line.getSubcommands().get("runs").getCommand();
        runs.print(List.of(ONE, OTHER));
        runs.print(List.of(ONE, OTHER));
        return out.toString();
    }
}
