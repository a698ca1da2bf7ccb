package io.millrace.tests.compatibility;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaMethodCall;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may use whom, and what certain packages must not do. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.millrace");

    /** Each module, and what it may use: what an arrow points at, and what that uses. */
    private static final Map<String, List<String>> MAY_USE = Map.ofEntries(
            Map.entry("events", List.of()),
            Map.entry("store", List.of("events")),
            Map.entry("tensors", List.of()),
            Map.entry("models", List.of("tensors")),
            Map.entry("worker", List.of("store", "events")),
            Map.entry("client", List.of("events", "store")),
            Map.entry("conductor", List.of("events")),
            Map.entry("pruner", List.of("worker", "store", "events", "models", "tensors")),
            Map.entry("distiller", List.of("worker", "store", "events", "models", "tensors")),
            Map.entry("quantizer", List.of("worker", "store", "events", "models", "tensors")),
            Map.entry("benchmarker", List.of("worker", "store", "events", "models", "tensors")),
            Map.entry(
                    "cli",
                    List.of(
                            "conductor",
                            "pruner",
                            "distiller",
                            "quantizer",
                            "benchmarker",
                            "client",
                            "worker",
                            "store",
                            "events",
                            "models",
                            "tensors")));

    static Stream<String> modules() {
        return MAY_USE.keySet().stream().sorted();
    }

    @ParameterizedTest
    @MethodSource("modules")
    void moduleUsesOnlyWhatItMay(String module) {
        String[] forbidden = MAY_USE.keySet().stream()
                .filter(other -> !other.equals(module) && !MAY_USE.get(module).contains(other))
                .map(ArchitectureTest::packages)
                .toArray(String[]::new);

        noClasses()
                .that()
                .resideInAPackage(packages(module))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden)
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void everyPackageBelongsToAModule() {
        classes()
                .that()
                .resideOutsideOfPackage("io.millrace.tests..")
                .should()
                .resideInAnyPackage(modules().map(ArchitectureTest::packages).toArray(String[]::new))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void kafkaIsKnownToTheEventsTheWorkerTheConductorTheClientAndTheCommandLine() {
        onlyIn("org.apache.kafka..", "events.wire", "worker", "conductor", "client", "cli");
    }

    @Test
    void djlIsKnownToModelsAndDistiller() {
        onlyIn("ai.djl..", "models", "distiller");
    }

    @Test
    void avroIsKnownToTheWireAlone() {
        onlyIn("org.apache.avro..", "events.wire");
    }

    @Test
    void runsKnowEventsAndPausesOnlyAndNoClock() {
        classes()
                .that()
                .resideInAPackage("io.millrace.conductor.run..")
                .should()
                .onlyDependOnClassesThat(resideInAnyPackage(
                        "java..",
                        "org.jspecify..",
                        "io.millrace.events..",
                        "io.millrace.conductor.run..",
                        "io.millrace.conductor.timers.."))
                .allowEmptyShould(true)
                .check(CLASSES);
        noClasses()
                .that()
                .resideInAnyPackage("io.millrace.conductor.run..", "io.millrace.conductor.timers..")
                .should()
                .callMethodWhere(call("java.time.Instant", "now")
                        .or(call("java.time.Clock", "systemUTC"))
                        .or(call("java.lang.System", "currentTimeMillis"))
                        .or(call("java.lang.System", "nanoTime")))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    /** The order in which it adds is not defined, so its bits are not either. */
    @Test
    void kernelsDoNotReduceLanesOfFloats() {
        noClasses()
                .that()
                .resideInAPackage("io.millrace.tensors.kernel..")
                .should()
                .callMethodWhere(call("jdk.incubator.vector.FloatVector", "reduceLanes")
                        .or(call("jdk.incubator.vector.DoubleVector", "reduceLanes")))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    @Test
    void testsLieInClassesThatTheBuildRuns() {
        Pattern test = Pattern.compile("^\\s*@(Test|ParameterizedTest|RepeatedTest|TestFactory)\\b", Pattern.MULTILINE);
        Pattern contract = Pattern.compile("^(public )?(abstract class|interface) ", Pattern.MULTILINE);

        assertThat(Repository.files(".java", Repository.ROOT.resolve("services"), Repository.ROOT.resolve("tests")))
                .filteredOn(path -> path.toString().contains("/src/test/java/"))
                .filteredOn(path -> test.matcher(Repository.read(path)).find())
                .filteredOn(path -> !contract.matcher(Repository.read(path)).find())
                .allSatisfy(path -> assertThat(path.getFileName().toString()).matches(".*(Test|IT)\\.java"));
    }

    private static void onlyIn(String library, String... parts) {
        noClasses()
                .that()
                .resideInAPackage("io.millrace..")
                .and()
                .resideOutsideOfPackages(
                        Arrays.stream(parts).map(ArchitectureTest::packages).toArray(String[]::new))
                .should()
                .dependOnClassesThat(resideInAPackage(library))
                .allowEmptyShould(true)
                .check(CLASSES);
    }

    private static String packages(String part) {
        return "io.millrace." + part + "..";
    }

    private static DescribedPredicate<JavaMethodCall> call(String owner, String method) {
        return DescribedPredicate.describe(
                "calls " + owner + "." + method,
                call -> call.getTargetOwner().getName().equals(owner)
                        && call.getTarget().getName().equals(method));
    }
}
