package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
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

            Said said = say(arguments.toArray(String[]::new));

            assertThat(said.exitCode()).as(arguments.toString()).isZero();
            assertThat(said.out()).contains("Usage: millrace");
        }
    }

    @Test
    void helpEndsWithZeroAndDocumentsTheExitCodes() {
        Said said = say("--help");

        assertThat(said.exitCode()).isZero();
        assertThat(said.out()).contains("Exit codes:").contains("demo").contains("policy");
    }

    @Test
    void aMistypedCommandIsAUsageErrorThatNamesTheNearest() {
        Said said = say("modles");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains("modles").contains("models");
    }

    @Test
    void withoutARunningMillraceACommandSaysHowToGetOne() {
        Said said = say("runs", "--home", "target/no-such-home");

        assertThat(said.exitCode()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err().lines()).hasSize(1);
        assertThat(said.err()).contains("millrace up").contains("--kafka");
    }

    @Test
    void aMissingPolicyFileIsNotFound() {
        Said said = say("policy", "check", "target/no-such-policy.yaml");

        assertThat(said.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(said.err()).contains("no-such-policy.yaml").doesNotContain("\tat ");
    }

    private static List<CommandLine> all(CommandLine command) {
        List<CommandLine> commands = new ArrayList<>(List.of(command));
        command.getSubcommands().values().forEach(sub -> commands.addAll(all(sub)));
        return commands;
    }

    private record Said(int exitCode, String out, String err) {}

    private static Said say(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine(arguments);
        line.setOut(new PrintWriter(out));
        line.setErr(new PrintWriter(err));
        return new Said(line.execute(arguments), out.toString(), err.toString());
    }

    @Test
    void aStageCommandIsCalledByItsWholeNameAndSharesTheExitCodes() {
        String all = String.join(
                "\n", Main.commandLine().getCommandSpec().usageMessage().footer());
        for (String stage : List.of("pruner", "distiller", "quantizer", "benchmarker", "conductor")) {
            Said said = say(stage, "--help");

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
        Said said = say("quantizer", "--store", "memory:", "--slots", "0");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains("millrace: a worker has 1 to 64 slots").contains("'millrace quantizer --help'");
    }
}
