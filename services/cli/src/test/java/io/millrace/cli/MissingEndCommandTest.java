package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people are told of a model that names no end of a text, which ONNX Runtime's generation then never finds. */
final class MissingEndCommandTest {
    private static final String MISSING = "neither generation_config.json nor config.json nor the tokenizer names";

    @TempDir
    private Path folder;

    @Test
    void itIsSaidOnceAndBesideTheWeightsOfOnnxAlone() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));

        Said said = compress(model, "out");

        assertThat(said.err().split("onnx: " + MISSING, -1)).as(said.err()).hasSize(2);
        assertThat(note("out", "onnx-int8")).startsWith(MISSING).contains("no 'eos_token_id'");
        assertThat(note("out", "gguf-Q8_0")).isEmpty();
        assertThat(genai("out")).doesNotContain("eos_token_id");
    }

    @Test
    void nothingIsSaidOfAModelThatNamesOne() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [10, 0]}");

        Said said = compress(model, "out");

        assertThat(said.err()).doesNotContain(MISSING);
        assertThat(note("out", "onnx-int8")).isEmpty();
        assertThat(genai("out")).contains("eos_token_id");
    }

    private Said compress(Path model, String out) {
        Said said = Said.to(
                "compress",
                model.toString(),
                "--to=onnx:int8",
                "--to=gguf:Q8_0",
                "-o",
                folder.resolve(out).toString());
        assertThat(said.exitCode()).as(said.err()).isZero();
        return said;
    }

    private String genai(String out) throws IOException {
        return Files.readString(folder.resolve(out).resolve("onnx-int8").resolve("genai_config.json"));
    }

    private String note(String out, String target) throws IOException {
        return new ObjectMapper()
                .readTree(Files.readString(folder.resolve(out).resolve(target).resolve("tensor-report.json")))
                .path("note")
                .asText();
    }
}
