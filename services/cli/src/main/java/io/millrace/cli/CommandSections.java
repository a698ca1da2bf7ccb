package io.millrace.cli;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.UsageMessageSpec;

/** Lists the commands of {@code millrace --help} by what they need: a file, nothing, a running Millrace. */
final class CommandSections {
    private static final Map<String, List<String>> SECTIONS = sections();
    private static final String OTHERS = "Services, one process each";
    private static final String HELP = "help";

    private CommandSections() {}

    private static Map<String, List<String>> sections() {
        Map<String, List<String>> sections = new LinkedHashMap<>();
        sections.put("On model files, without Kafka", List.of("compress", "inspect", "dequantize"));
        sections.put("Everything on this machine", List.of("demo", "up"));
        sections.put(
                "With a Millrace that runs, here or on a cluster",
                List.of(
                        "publish",
                        "policy",
                        "runs",
                        "show",
                        "models",
                        "pull",
                        "subscribe",
                        "retry",
                        "cancel",
                        "dead-letters",
                        "store",
                        "topics",
                        "doctor"));
        return sections;
    }

    static void showIn(CommandLine millrace) {
        millrace.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING, _ -> "");
        millrace.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandSections::render);
    }

    private static String render(Help help) {
        Map<String, Help> commands = new LinkedHashMap<>();
        help.subcommands().forEach((name, command) -> commands.put(name, command));
        StringBuilder text = new StringBuilder();
        SECTIONS.forEach((heading, names) -> append(help, heading, names, commands, text));
        commands.remove(HELP);
        append(help, OTHERS, List.copyOf(commands.keySet()), commands, text);
        return text.toString();
    }

    /** Writes one section and takes its commands out of the map, so that a command without section is seen too. */
    private static void append(
            Help help, String heading, List<String> names, Map<String, Help> commands, StringBuilder text) {
        Map<String, Help> section = new LinkedHashMap<>();
        for (String name : names) {
            Help command = commands.remove(name);
            if (command != null) {
                section.put(name, command);
            }
        }
        text.append(System.lineSeparator()).append(heading).append(':').append(System.lineSeparator());
        text.append(help.commandList(section));
    }
}
