package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Each promise of the design has a test that bears its number: {@code @Tag("promise-3")}. */
class PromisesTest {
    private static final Map<Integer, String> PROMISES = Map.of(
            1, "every run reaches a terminal state, visible in 'runs', whatever dies in between",
            2, "at most one result per job key is ever committed; no model without its artifact and its evidence",
            3, "a killed worker's job is taken over; a broker restart loses nothing; a conductor re-issues nothing",
            4, "a weight-only compressed file is bit-identical on every machine, for every number of threads",
            5, "memory stays bounded, whatever the checkpoint's size",
            6, "nothing in a checkpoint is executed, and no file name in it leads outside its folder");

    /** From a test's own annotation to its name: what lies between has no statement. */
    private static final Pattern TEST = Pattern.compile(
            "^\\s*@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\\b[^;]*?\\bvoid (\\w+)\\(", Pattern.MULTILINE);

    private static final Pattern NUMBER = Pattern.compile("^\\s*@Tag\\(\"promise-(\\d+)\"\\)", Pattern.MULTILINE);
    private static final Pattern DISABLED = Pattern.compile("^\\s*@Disabled\\b", Pattern.MULTILINE);

    @Test
    void everyPromiseHasATestThatBearsItsNumber() {
        Map<Integer, List<String>> tests = tests();

        tests.forEach((number, names) -> System.out.println("promise " + number + ": " + String.join(", ", names)));
        assertThat(tests.keySet())
                .as("tests that bear the number of a promise that there is not")
                .isSubsetOf(PROMISES.keySet());
        assertThat(PROMISES)
                .allSatisfy((number, promise) -> assertThat(tests.getOrDefault(number, List.of()))
                        .as("no test bears @Tag(\"promise-%d\"): %s", number, promise)
                        .isNotEmpty());
    }

    /** Class and method of the tests that run, by the promises whose numbers they bear. */
    private static Map<Integer, List<String>> tests() {
        Map<Integer, List<String>> tests = new TreeMap<>();
        Repository.files(".java", Repository.ROOT.resolve("services"), Repository.ROOT.resolve("tests")).stream()
                .filter(path -> path.toString().contains("/src/test/java/"))
                .forEach(path -> {
                    String type = path.getFileName().toString().replace(".java", "");
                    Matcher test = TEST.matcher(Repository.read(path));
                    while (test.find()) {
                        String name = type + "." + test.group(1);
                        numbers(test.group()).forEach(number -> tests.merge(number, List.of(name), PromisesTest::join));
                    }
                });
        return tests;
    }

    private static Stream<Integer> numbers(String annotations) {
        return DISABLED.matcher(annotations).find()
                ? Stream.empty()
                : NUMBER.matcher(annotations).results().map(tag -> Integer.valueOf(tag.group(1)));
    }

    private static List<String> join(List<String> some, List<String> more) {
        return Stream.concat(some.stream(), more.stream()).toList();
    }
}
