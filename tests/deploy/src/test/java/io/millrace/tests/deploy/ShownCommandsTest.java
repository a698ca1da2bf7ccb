package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.millrace.cli.Main;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;

/** Who reads a page at three in the morning can type what it shows. */
final class ShownCommandsTest {
    /** In a line of a block, or between backquotes; a comment, a gap before words, or what is the shell's ends it. */
    private static final Pattern SHOWN = Pattern.compile(
            "(?:^ {0,4}(?:\\$ )?|`|run --rm |-- /opt/millrace/)(?:[A-Z_]+=\\S+ )*(?:\\./)?millrace"
                    + " ([a-z-](?:(?! {2,}[^ -])[^`\\n#|<>&;\\\\]|\\\\\\n)*)",
            Pattern.MULTILINE);

    private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");

    /** For what a page leaves open, where not every word will do. */
    private static final Map<String, String> EXAMPLES = Map.of("NUMBER", "0", "DEVICE", "h100");

    record Shown(String page, String line) {
        List<String> words() {
            return WORD.matcher(line.replace("\\\n", " "))
                    .results()
                    .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
                    .map(word -> EXAMPLES.getOrDefault(word, word))
                    .toList();
        }

        @Override
        public String toString() {
            return page + ": millrace " + line;
        }
    }

    static Stream<Shown> commands() {
        return pages().flatMap(page -> SHOWN.matcher(text(page))
                .results()
                .map(match -> match.group(1).strip())
                .distinct()
                .map(line -> new Shown(Repository.ROOT.relativize(page).toString(), line)));
    }

    private static Stream<Path> pages() {
        return Stream.of(
                        Stream.of(Repository.ROOT.resolve("README.md"), Repository.DEPLOY.resolve("README.md")),
                        Repository.files(Repository.RUNBOOKS, ".md").stream())
                .flatMap(pages -> pages);
    }

    private static String text(Path page) {
        try {
            return Files.readString(page);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void thePagesShowCommands() {
        assertThat(commands().map(Shown::page).distinct()).hasSizeGreaterThan(10);
    }

    @Test
    void noneOfThemIsPassedOver() {
        Pattern launched = Pattern.compile("\\./millrace [a-z-]");

        assertThat(pages().map(ShownCommandsTest::text))
                .allSatisfy(text -> assertThat(SHOWN.matcher(text)
                                .results()
                                .filter(match -> match.group().contains("./millrace")))
                        .hasSize((int) launched.matcher(text).results().count()));
    }

    @ParameterizedTest
    @MethodSource("commands")
    void theProductTakesEachCommand(Shown shown) {
        String[] words = shown.words().toArray(String[]::new);
        assertThatCode(() -> parse(words)).as(shown.toString()).doesNotThrowAnyException();
    }

    private static void parse(String... words) {
        CommandLine tree = Main.commandLine(Map.of());
        try {
            tree.parseArgs(words);
        } catch (MissingParameterException e) {
            // A page may name a command without what it is about.
            if (!Arrays.asList(words).equals(names(e.getCommandLine()))) {
                throw e;
            }
        }
    }

    private static List<String> names(CommandLine command) {
        String[] all = command.getCommandSpec().qualifiedName().split(" ");
        return Arrays.asList(all).subList(1, all.length);
    }
}
