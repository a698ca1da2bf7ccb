package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The keys of each architecture's file, with their types and values, beside {@code keys.txt}. Our reader asks for
 * the writer's own constants, so a misspelt key would come back; llama.cpp would take its default for it. A run with
 * {@code -Dmillrace.golden=write} writes the file anew: hold each name that is new against llama.cpp's own list.
 */
class CommittedKeysTest {
    private static final String FILE = "keys.txt";

    @TempDir
    Path parent;

    @Test
    void keysAreWrittenAsLlamaCppSpellsThem() throws Exception {
        List<String> lines = new ArrayList<>();
        for (ObjectNode config : configs()) {
            lines.add("# " + config.path("architectures").path(0).asText() + ", rope scaling " + scaling(config));
            Path folder = GgufModels.folder(Files.createDirectory(parent.resolve("model" + lines.size())), config);
            Path file = folder.resolve("model.gguf");
            GgufModels.write(folder, GgufFileType.Q8_0, file, 1);
            try (GgufReader reader = GgufReader.open(file)) {
                lines.addAll(described(reader.header().metadata()));
            }
        }
        if ("write".equals(System.getProperty("millrace.golden"))) {
            Files.write(Path.of("src/test/resources/io/millrace/tensors/format/gguf", FILE), lines);
        }

        assertThat(lines).containsExactlyElementsOf(committed());
    }

    private static List<String> committed() throws IOException {
        try (InputStream in = Objects.requireNonNull(CommittedKeysTest.class.getResourceAsStream(FILE), FILE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }

    /** One of each architecture, and what their scalings leave out. */
    private static List<ObjectNode> configs() throws IOException {
        List<ObjectNode> configs = new ArrayList<>(TinyModels.each());
        ObjectNode yarn = TinyModels.config("Qwen2ForCausalLM", "qwen2");
        yarn.putObject("rope_scaling")
                .put("type", "yarn")
                .put("factor", 4.0)
                .put("original_max_position_embeddings", 16);
        configs.add(yarn);
        return configs;
    }

    private static String scaling(ObjectNode config) {
        var scaling = config.path("rope_scaling");
        return scaling.path("rope_type").asText(scaling.path("type").asText("none"));
    }

    private static List<String> described(Map<String, GgufValue> keys) {
        return keys.entrySet().stream()
                .filter(entry -> !entry.getKey().startsWith("tokenizer."))
                .map(entry -> entry.getKey() + " " + entry.getValue().type() + " "
                        + (entry.getKey().equals(ModelKeys.CONFIG) ? "config.json" : text(entry.getValue())))
                .toList();
    }

    private static String text(GgufValue value) {
        return switch (value) {
            case GgufValue.Whole whole -> Long.toString(whole.value());
            case GgufValue.Real real -> Float.toString((float) real.value());
            case GgufValue.Flag flag -> Boolean.toString(flag.value());
            case GgufValue.Text(String text) -> text;
            case GgufValue.Items items ->
                items.values().stream().map(CommittedKeysTest::text).toList().toString();
        };
    }
}
