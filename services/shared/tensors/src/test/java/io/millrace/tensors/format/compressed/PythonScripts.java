package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.json.StrictJson;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Scripts that lie beside the tests and ask a consumer's library.
 *
 * @param python the interpreter that has it
 * @param folder for the script and what it prints
 */
record PythonScripts(String python, Path folder) {
    private static final long LIMIT_SECONDS = 600;

    /** The last line that a script prints. */
    JsonNode run(String name, List<String> arguments) throws Exception {
        Path script = folder.resolve(name);
        try (InputStream in = Objects.requireNonNull(PythonScripts.class.getResourceAsStream(name))) {
            Files.copy(in, script, StandardCopyOption.REPLACE_EXISTING);
        }
        Path log = folder.resolve("log.txt");
        Path answer = folder.resolve("answer.txt");
        List<String> command = new ArrayList<>(List.of(python, script.toString()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("HF_HUB_OFFLINE", "1");
        builder.environment().put("CUDA_VISIBLE_DEVICES", "");
        Process process = builder.redirectOutput(answer.toFile())
                .redirectError(log.toFile())
                .start();
        boolean ended = process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS);
        process.destroyForcibly();
        assertThat(ended).as("%s took more than %d s", script, LIMIT_SECONDS).isTrue();
        assertThat(process.exitValue()).as(Files.readString(log)).isZero();
        String line = Files.readAllLines(answer).getLast();
        return StrictJson.parse(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)), "answer.txt", 0);
    }
}
