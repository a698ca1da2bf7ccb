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
            if (command.getCommand() instanceof CommandLine.HelpCommand
                    || command.getCommand() instanceof StageProgram) {
                continue;
            }
            assertThat(command.getCommandSpec().usageMessage().description())
                    .as(name)
                    .isNotEmpty();
            assertThat(String.join("\n", command.getCommandSpec().usageMessage().footer()))
                    .as(name)
                    .contains("Example:")
                    .contains("millrace ");
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
    void stageCommandsLeaveTheirOptionsToTheStagesOwnMain() {
        for (String stage : new String[] {"pruner", "distiller", "quantizer", "benchmarker"}) {
            String[] arguments = {stage, "--kafka", "127.0.0.1:9092", "--slots", "2", "--help"};

            var parsed = Main.commandLine(arguments).parseArgs(arguments).subcommand();

            assertThat(parsed.unmatched()).containsExactly("--kafka", "127.0.0.1:9092", "--slots", "2", "--help");
        }
    }
}
