package io.millrace.tensors.format.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.checkpoint.Tekken;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A tokenizer's files as ONNX Runtime's generation library takes them. */
final class GenaiTokenizer {
    private static final String FILE = "tokenizer.json";
    private static final String CONFIG = "tokenizer_config.json";
    /** What each kind of tokenizer comes as. */
    private static final List<String> FORMS = List.of(FILE, CONFIG, "tokenizer.model", "vocab.json", Tekken.FILE);

    private static final String REMEDY =
            "write them with transformers: AutoTokenizer.from_pretrained(folder).save_pretrained(folder)";

    private static final String TEMPLATE = "chat_template";
    private static final String TEMPLATE_FILE = "chat_template.jinja";
    private static final long LIMIT_BYTES = 128L << 20;

    private GenaiTokenizer() {}

    /** Refuses a folder whose tokenizer the library could not open; one that has none at all is for those who bring tokens. */
    static void require(Path folder) throws MalformedFileException {
        List<String> found = FORMS.stream()
                .filter(name -> Files.exists(folder.resolve(name)))
                .toList();
        for (String needed : List.of(FILE, CONFIG)) {
            if (!found.isEmpty() && !found.contains(needed)) {
                throw new MalformedFileException(
                        Kind.UNSUPPORTED,
                        needed,
                        "missing, found " + String.join(", ", found) + "; expected both " + FILE + " and " + CONFIG
                                + " for onnxruntime-genai; "
                                + (found.contains(Tekken.FILE) ? Tekken.REMEDY : REMEDY));
            }
        }
    }

    /**
     * Leaves of the chat templates the one that transformers takes: the library fails at a list of named ones, and takes
     * what tokenizer_config.json says before a {@code chat_template.jinja}.
     */
    static void takeOneTemplate(Path folder) throws IOException {
        Path file = folder.resolve(CONFIG);
        if (!Files.exists(file)) {
            return;
        }
        ObjectNode config = StrictJson.readFile(file, LIMIT_BYTES);
        JsonNode templates = config.path(TEMPLATE);
        boolean inItsOwnFile = Files.exists(folder.resolve(TEMPLATE_FILE));
        if (templates.isMissingNode() || (!inItsOwnFile && !templates.isArray())) {
            return;
        }
        config.remove(TEMPLATE);
        for (JsonNode template : templates) {
            if (!inItsOwnFile && template.path("name").asText().equals("default")) {
                config.put(TEMPLATE, template.path("template").asText());
            }
        }
        DurableFiles.write(file, StrictJson.print(config).getBytes(StandardCharsets.UTF_8));
    }
}
