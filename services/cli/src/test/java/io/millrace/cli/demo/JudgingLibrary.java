package io.millrace.cli.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which llama.cpp judges. Each of the two may be absent, with the reason printed. */
enum JudgingLibrary {
    /** That of the Maven Central binding. */
    OF_THE_CLASS_PATH,
    /** That which MILLRACE_LLAMA_LIBRARY names, such as libllama.v0.5.0.so of the npm package @node-llama-cpp/linux-x64. */
    AS_SET;

    private static final String SETTING = "MILLRACE_LLAMA_LIBRARY";
    private static final String ENTRY = "/de/kherud/llama/Linux/x86_64/libjllama.so";

    /** True if it was named in the environment of the tests. */
    static boolean set() {
        return System.getenv(SETTING) != null;
    }

    /** From now on the processes that call llama.cpp load this one. */
    void use(Path folder) throws IOException {
        if (this == AS_SET || !set()) {
            System.clearProperty(SETTING);
            return;
        }
        // The environment names another, and only a property goes before it.
        Path copy = folder.resolve("libjllama.so");
        if (!Files.exists(copy)) {
            try (InputStream bytes = JudgingLibrary.class.getResourceAsStream(ENTRY)) {
                if (bytes == null) {
                    throw new IOException("the class path has no " + ENTRY);
                }
                Files.copy(bytes, copy);
            }
        }
        System.setProperty(SETTING, copy.toString());
    }

    static void forget() {
        System.clearProperty(SETTING);
    }
}
