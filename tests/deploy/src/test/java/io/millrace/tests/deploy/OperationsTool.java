package io.millrace.tests.deploy;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A program that the checks ask, from the folder that MILLRACE_PROMETHEUS names or from the PATH. */
record OperationsTool(Path program) {
    static OperationsTool orSkip(String name) {
        Optional<Path> found = Stream.concat(
                        Optional.ofNullable(System.getenv("MILLRACE_PROMETHEUS")).stream(),
                        Stream.of(System.getenv("PATH").split(File.pathSeparator)))
                .map(folder -> Path.of(folder, name))
                .filter(Files::isExecutable)
                .findFirst();
        return found.map(OperationsTool::new)
                .orElseGet(() -> skip("there is no " + name + " on the PATH or in the folder that MILLRACE_PROMETHEUS"
                        + " names; deploy/README.md says where to get it"));
    }

    /** The interpreter that MILLRACE_PYTHON names, with this version of a package. */
    static OperationsTool pythonOrSkip(Path folder, String distribution, String version)
            throws IOException, InterruptedException {
        String python = System.getenv().getOrDefault("MILLRACE_PYTHON", "");
        String wanted = distribution + " " + version;
        if (python.isEmpty()) {
            return skip("MILLRACE_PYTHON names no Python with " + wanted);
        }
        OperationsTool tool = new OperationsTool(Path.of(python));
        String asks = "from importlib import metadata; exit(metadata.version('" + distribution + "').lstrip('v') != '"
                + version + "')";
        return tool.run(folder, "-c", asks).startsWith("0")
                ? tool
                : skip("the Python of MILLRACE_PYTHON has no " + wanted);
    }

    private static OperationsTool skip(String why) {
        System.out.println("skipped: " + why);
        return Assumptions.abort(why);
    }

    /** Starts it with its output in this file. */
    Process start(Path output, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
    }

    /** What it said, behind its exit code. */
    String run(Path folder, String... arguments) throws IOException, InterruptedException {
        Path output = Files.createTempFile(folder, "tool", ".txt");
        int code = start(output, arguments).waitFor();
        return code + "\n" + Files.readString(output, StandardCharsets.UTF_8);
    }
}
