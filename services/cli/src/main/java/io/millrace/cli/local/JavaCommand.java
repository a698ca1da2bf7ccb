package io.millrace.cli.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How to start a JVM like this one: the same Java and class path, with the flags that tensors and Kafka need.
 *
 * @param name of the process, for its log file
 * @param mainClass with a {@code main}
 * @param jvmFlags beyond the common ones
 */
public record JavaCommand(String name, String mainClass, List<String> jvmFlags, List<String> arguments) {
    private static final List<String> COMMON_FLAGS = List.of(
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow");

    public JavaCommand {
        jvmFlags = List.copyOf(jvmFlags);
        arguments = List.copyOf(arguments);
    }

    /** Starts it; what it prints is appended to a file below {@code logs}. */
    public Process start(Path logs) throws IOException {
        Files.createDirectories(logs);
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(COMMON_FLAGS);
        command.addAll(jvmFlags);
        command.add(mainClass);
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(NULL_DEVICE.toFile()))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log(logs).toFile()));
        // In the environment, not on the command line: a class path of a hundred jars hides everything else in 'ps'.
        builder.environment().put("CLASSPATH", System.getProperty("java.class.path"));
        // DJL would ask the network whether it runs in a cloud, and would download what is not there.
        builder.environment().put("DJL_OFFLINE", "true");
        builder.environment().put("OPT_OUT_TRACKING", "true");
        return builder.start();
    }

    public Path log(Path logs) {
        return logs.resolve(name + ".log");
    }

    private static final Path NULL_DEVICE = Path.of("/dev/null");
}
