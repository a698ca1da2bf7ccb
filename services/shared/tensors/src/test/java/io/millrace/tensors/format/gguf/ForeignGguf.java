package io.millrace.tensors.format.gguf;

import java.io.File;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Files that llama.cpp v0.5.0 quantized. The library ends the process when it is displeased, so it has one of its own. */
final class ForeignGguf {
    private static final long LIMIT_SECONDS = 120;

    private ForeignGguf() {}

    /** In the child: library, source, file type, target. */
    public static void main(String[] arguments) throws Throwable {
        MixtureTables.quantize(
                Path.of(arguments[0]),
                Path.of(arguments[1]),
                GgufFileType.valueOf(arguments[2]),
                Path.of(arguments[3]));
    }

    /** Has the library quantize a file, which may be quantized already; F32 gives its own reading of the blocks. */
    static Path quantize(String library, Path source, GgufFileType type, Path target) throws Exception {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "--add-modules",
                "jdk.incubator.vector",
                "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                ForeignGguf.class.getName(),
                library,
                source.toString(),
                type.name(),
                target.toString());
        ProcessBuilder child = new ProcessBuilder(command);
        child.environment().put("GGML_NO_BACKTRACE", "1");
        File log = target.resolveSibling(target.getFileName() + ".log").toFile();
        Process process = child.redirectErrorStream(true).redirectOutput(log).start();
        boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
        process.destroyForcibly();
        if (!ended || process.exitValue() != 0) {
            throw new IllegalStateException("llama.cpp did not write " + target + "; see " + log);
        }
        return target;
    }
}
