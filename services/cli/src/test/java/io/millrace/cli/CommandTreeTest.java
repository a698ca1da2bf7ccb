package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.Writer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class CommandTreeTest {
    @Test
    void everyCommandOfOursSaysWhatItDoesAndGivesAnExample() {
        for (CommandLine command : all(Main.commandLine())) {
            String name = command.getCommandSpec().qualifiedName();
            if (command.getCommand() instanceof CommandLine.HelpCommand) {
                continue;
            }
            assertThat(command.getCommandSpec().usageMessage().description())
                    .as(name)
                    .isNotEmpty();
            assertThat(String.join("\n", command.getCommandSpec().usageMessage().footer()))
                    .as(name)
                    .containsPattern("Examples?:")
                    .containsPattern("millrace |COMMAND-FULL-NAME");
        }
    }

    /** An option of a command may hide another's: its own {@code --version} that of the standard, and {@code --help} too. */
    @Test
    void everyCommandAnswersHelpWithItsUsage() {
        for (CommandLine command : all(Main.commandLine())) {
            String[] words = command.getCommandSpec().qualifiedName().split(" ");
            List<String> arguments = new ArrayList<>(List.of(words).subList(1, words.length));
            arguments.add("--help");

            Said said = Said.to(arguments.toArray(String[]::new));

            assertThat(said.exitCode()).as(arguments.toString()).isZero();
            assertThat(said.out()).contains("Usage: millrace");
        }
    }

    /** In a container it is not the user who typed the command. */
    @Test
    void whoLacksAPermissionIsNamed() throws Exception {
        CommandLine line = Main.commandLine();
        StringWriter err = new StringWriter();
        line.setErr(new PrintWriter(err));

        line.getExecutionExceptionHandler()
                .handleExecutionException(new AccessDeniedException("/checkpoints/chat-7"), line, null);

        assertThat(err.toString())
                .contains("user '" + System.getProperty("user.name") + "' has no permission for /checkpoints/chat-7");
    }

    @Test
    void helpEndsWithZeroAndDocumentsTheExitCodes() {
        Said said = Said.to("--help");

        assertThat(said.exitCode()).isZero();
        assertThat(said.out()).contains("Exit codes:").contains("demo").contains("policy");
    }

    @Test
    void aMistypedCommandIsAUsageErrorThatNamesTheNearest() {
        Said said = Said.to("modles");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains("modles").contains("models");
    }

    @Test
    void aWordTooManyAndACommandThatIsNotThereAreSaidInPlainWords() {
        assertThat(Said.to("modles").err())
                .startsWith("millrace: there is no command 'modles'" + System.lineSeparator());
        assertThat(Said.to("policy", "lst").err()).startsWith("millrace: there is no command 'lst'");
        assertThat(Said.to("inspect", "model", "other").err())
                .startsWith("millrace: 'other' is more than 'millrace inspect' takes" + System.lineSeparator());
        assertThat(Said.to("inspect", "model", "--tensor").err()).startsWith("millrace: Unknown option: '--tensor'");
        assertThat(Said.to("compress", "m", "--to=gguf:F32", "-o=o", "--split-max-size=1G", "--split-max-tensors=2")
                        .err())
                .startsWith("millrace: --split-max-size=SIZE, --split-max-tensors=N are mutually exclusive");
    }

    @Test
    void withoutARunningMillraceACommandSaysHowToGetOne() {
        Said said = Said.to("runs", "--home", "target/no-such-home");

        assertThat(said.exitCode()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err().lines()).hasSize(1);
        assertThat(said.err()).contains("millrace up").contains("--kafka");
    }

    @Test
    void aModelOrVersionThatIsNoNameIsAUsageError() {
        for (List<String> release : List.of(
                List.of("../chat", "1"), List.of("chat", ""), List.of("chat", "\u001b[2J"), List.of("chat", "1\n2"))) {
            Said said = Said.to("publish", "target", "--model", release.getFirst(), "--version", release.getLast());

            assertThat(said.exitCode()).as(release.toString()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("1 to 128").doesNotContain("\u001b");
        }
    }

    @Test
    void aMissingPolicyFileIsNotFound() {
        Said said = Said.to("policy", "check", "target/no-such-policy.yaml");

        assertThat(said.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(said.err()).contains("no-such-policy.yaml").doesNotContain("\tat ");
    }

    private static List<CommandLine> all(CommandLine command) {
        List<CommandLine> commands = new ArrayList<>(List.of(command));
        command.getSubcommands().values().forEach(sub -> commands.addAll(all(sub)));
        return commands;
    }

    @Test
    void aStageCommandIsCalledByItsWholeNameAndSharesTheExitCodes() {
        String all = String.join(
                "\n", Main.commandLine().getCommandSpec().usageMessage().footer());
        for (String stage : List.of("pruner", "distiller", "quantizer", "benchmarker", "conductor")) {
            Said said = Said.to(stage, "--help");

            assertThat(said.exitCode()).isZero();
            assertThat(said.out())
                    .contains("Usage: millrace " + stage + " ")
                    .contains("  millrace " + stage + " --kafka ");
            CommandLine command = Main.commandLine().getSubcommands().get(stage);
            for (String code :
                    command.getCommandSpec().usageMessage().exitCodeList().keySet()) {
                assertThat(all).containsPattern("(?m)^ +" + code + " ");
            }
        }
    }

    @Test
    void aStageCommandThatIsWrongEndsAsAnyOther() {
        Said said = Said.to("quantizer", "--store", "memory:", "--slots", "0");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err())
                .contains("millrace: --slots is 0, expected 1 to 64")
                .contains("'millrace quantizer --help'");
    }

    @Test
    void aWrongValueOfAVariableNamesTheVariableInAServiceAndInACommand() {
        for (String command : List.of("quantizer", "up")) {
            for (Map<String, String> wrong : List.of(
                    Map.of("MILLRACE_SLOTS", "0"),
                    Map.of("MILLRACE_DEVICES", "cpu,CPU"),
                    Map.of("MILLRACE_TOPIC_PREFIX", "a b!"))) {
                StringWriter err = new StringWriter();
                String[] arguments = {command, "--store", "memory:"};
                CommandLine line = Main.commandLine(wrong, arguments);
                line.setErr(new PrintWriter(err));

                assertThat(line.execute(arguments))
                        .as("%s %s: %s", command, wrong, err)
                        .isEqualTo(ExitCode.USAGE);
                assertThat(err.toString())
                        .contains("; it comes from " + wrong.keySet().iterator().next());
            }
        }
    }

    @Test
    void valuesThatNothingTakesAreUsageErrorsBeforeAnythingStarts() {
        for (List<String> wrong : List.of(
                List.of("up", "--slots", "0"),
                List.of("up", "--devices", "CPU"),
                List.of("publish", "target", "--model", "chat", "--version", "1", "--step=-1"),
                List.of("publish", "target", "--model", "chat", "--version", "1", "--label", "=x"),
                List.of("topics", "apply", "--devices", "CPU"),
                List.of("runs", "--topic-prefix", "a b!"))) {
            Said said = Said.to(wrong.toArray(String[]::new));

            assertThat(said.exitCode()).as("%s: %s", wrong, said.err()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).startsWith("millrace: ").doesNotContain("\tat ");
        }
    }

    @Test
    void aNameThatIsNoPathNamesTheLocale() {
        Said said = Said.to("inspect", "mo\0del");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err())
                .contains("is no path (Nul character not allowed); where a name is not ASCII, set LC_ALL=C.UTF-8")
                .doesNotContain("Exception");
    }

    /** As {@code -o "$OUT"} gives it where OUT is not set: it would be the folder that one stands in. */
    @Test
    void anEmptyPathIsAUsageError(@TempDir Path folder) throws Exception {
        String model = RandomModel.write(folder.resolve("model")).toString();
        for (List<String> wrong : List.of(
                List.of("compress", model, "--to", "gguf:F32", "-o", ""),
                List.of(
                        "compress",
                        "",
                        "--to",
                        "gguf:F32",
                        "-o",
                        folder.resolve("out").toString()),
                List.of("dequantize", model, "-o", ""),
                List.of("inspect", ""),
                List.of("publish", "", "--model", "chat", "--version", "1"),
                List.of("pull", "chat", "phone", ""),
                List.of("policy", "apply", ""),
                List.of("runs", "--home", ""),
                List.of("quantizer", "--work-folder", "", "--store", "memory:"))) {
            Said said = Said.to(wrong.toArray(String[]::new));

            assertThat(said.exitCode()).as("%s: %s", wrong, said.err()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).as(wrong.toString()).contains("found nothing, expected a path");
        }
    }

    @Test
    void aPlaceWhereNothingCanBeWrittenIsRefusedBeforeAnyWork(@TempDir Path folder) throws Exception {
        Path model = RandomModel.write(folder.resolve("model"));
        Path file = Files.createFile(folder.resolve("taken"));
        Path link = Files.createSymbolicLink(folder.resolve("latest"), folder.resolve("gone"));
        Map<Path, String> places = Map.of(
                file.resolve("below"),
                " cannot be made: " + file + " is no folder; name another ",
                link,
                " cannot be made: it is a link to " + folder.resolve("gone") + ", which is not there; name another ",
                link.resolve("below"),
                " cannot be made: " + link + " is a link to ",
                Path.of("/proc/millrace"),
                " cannot be made: nothing can be written into /proc (");
        places.forEach((place, why) -> {
            String out = place.toString();
            assertThat(Said.to("compress", model.toString(), "--to", "gguf:F32", "-o", out))
                    .satisfies(said -> assertRefused(said, out + why, "-o"));
            assertThat(Said.to("dequantize", model.toString(), "-o", out))
                    .satisfies(said -> assertRefused(said, out + why, "-o"));
            assertThat(Said.to("pull", "chat", "phone", out))
                    .satisfies(said -> assertRefused(said, out + why, "name another DIR"));
        });
        assertThat(Said.to("pull", "chat", "phone", file.toString()))
                .satisfies(said -> assertRefused(said, file + " is no folder", "name another DIR"));
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactlyInAnyOrder(model, file, link);
        }
    }

    private static void assertRefused(Said said, String... why) {
        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains(why).hasLineCount(1);
    }

    @Test
    void whatNobodyReadsAnyMoreIsNotTold() {
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(new OutputStream() {
            @Override
            public void write(int character) throws IOException {
                throw new IOException("Broken pipe");
            }
        }));
        Output output = new Output(line.getCommandSpec(), Output.Form.json);

        assertThatThrownBy(() -> output.line(Map.of("model", "chat"), () -> "chat"))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining("nobody reads standard output");
        assertThatThrownBy(() -> output.print(Map.of("model", "chat"), () -> "chat"))
                .isInstanceOf(CommandFailure.class)
                .hasMessageContaining("or it goes to a disk that is full");
    }

    @Test
    void helpKeepsToolsForFilesApartFromWhatNeedsARunningMillrace() {
        String help = Said.to("--help").out();

        int files = help.indexOf("On model files, without Kafka:");
        int running = help.indexOf("With a Millrace that runs");
        int services = help.indexOf("Services, one process each:");
        assertThat(files).isPositive().isLessThan(running);
        assertThat(running).isLessThan(services);
        assertThat(help.substring(files, running))
                .contains("compress")
                .contains("inspect")
                .contains("dequantize");
        assertThat(help.substring(running, services))
                .contains("publish")
                .contains("doctor")
                .doesNotContain("  conductor ");
        assertThat(help.substring(services))
                .contains("conductor")
                .contains("quantizer")
                .doesNotContain("inspect");
    }

    @Test
    void whatIsNoFolderIsNotPublished(@TempDir Path folder) throws Exception {
        Path file = Files.createFile(folder.resolve("model.gguf"));
        Said ofFile = Said.to("publish", file.toString(), "--model", "chat", "--version", "1");
        Said ofNothing = Said.to("publish", folder.resolve("x").toString(), "--model", "chat", "--version", "1");

        assertRefused(ofFile, file + " is a file, expected the folder of a checkpoint");
        assertThat(ofNothing.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(ofNothing.err()).isEqualToIgnoringNewLines("millrace: there is no folder " + folder.resolve("x"));
    }

    /** Java ends those with 3 whose heap is full: its code stands for nothing else there. */
    @Test
    void ofThoseThatEndWhenTheHeapIsFullItsCodeMeansNothingElse() throws Exception {
        CommandLine line = Main.commandLine();
        NoSuchFileException missing = new NoSuchFileException("folder");

        for (String ended : List.of("conductor", "up", "demo")) {
            assertThat(exitCode(line, missing, ended)).as(ended).isEqualTo(ExitCode.FAILED);
        }
        assertThat(exitCode(line, missing, "compress")).isEqualTo(ExitCode.NOT_FOUND);
    }

    private static int exitCode(CommandLine line, Exception error, String command) throws Exception {
        CommandLine of = line.getSubcommands().get(command);
        of.setErr(new PrintWriter(Writer.nullWriter()));
        return line.getExecutionExceptionHandler().handleExecutionException(error, of, null);
    }
}
