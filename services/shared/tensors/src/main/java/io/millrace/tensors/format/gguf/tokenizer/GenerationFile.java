package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A generation_config.json from the keys of a GGUF file: at which tokens a text ends. config.json and tokenizer_config.json
 * name one, and a chat model that also ends its turns would go on with the user's next one.
 */
public final class GenerationFile {
    private static final String PREFIX = "tokenizer.ggml.";

    private final Map<String, GgufValue> keys;

    private GenerationFile(Map<String, GgufValue> keys) {
        this.keys = keys;
    }

    public static GenerationFile of(GgufHeader header) {
        return new GenerationFile(header.metadata());
    }

    /**
     * Writes the file, unless neither the keys nor the configuration name an end.
     *
     * @param config the folder's config.json, with the ids that {@link TokenizerRebuild#addIds} puts into it
     */
    public void write(Path folder, ObjectNode config) throws IOException {
        Set<Integer> ends = ends(config.path("eos_token_id"));
        if (ends.isEmpty()) {
            return;
        }
        ObjectNode settings = StrictJson.object();
        WholeIds.of(config.path("bos_token_id")).ifPresent(id -> settings.put("bos_token_id", id));
        ArrayNode list = settings.putArray("eos_token_id");
        ends.forEach(list::add);
        WholeIds.of(config.path("pad_token_id")).ifPresent(id -> settings.put("pad_token_id", id));
        DurableFiles.write(
                folder.resolve("generation_config.json"),
                StrictJson.print(settings).getBytes(StandardCharsets.UTF_8));
    }

    /** Those of the keys, those that llama.cpp knows by their text in a model that chats, then the configuration's. */
    private Set<Integer> ends(JsonNode stated) {
        List<GgufValue> tokens = items("tokens");
        Set<Integer> ends = new LinkedHashSet<>();
        for (String end : List.of("eos", "eot", "eom")) {
            if (keys.get(PREFIX + end + "_token_id") instanceof GgufValue.Whole whole
                    && whole.value() >= 0
                    && whole.value() < tokens.size()) {
                ends.add((int) whole.value());
            }
        }
        if (!ChatTemplates.of(keys).byName().isEmpty()) {
            List<GgufValue> kinds = items("token_type");
            for (int id = 0; id < Math.min(tokens.size(), kinds.size()); id++) {
                if (tokens.get(id) instanceof GgufValue.Text(String text)
                        && EndTokens.ENDS_OF_TURN.contains(text)
                        && kinds.get(id) instanceof GgufValue.Whole kind
                        && kind.value() == Vocabulary.Kind.CONTROL.id()) {
                    ends.add(id);
                }
            }
        }
        for (JsonNode id : stated.isArray() ? stated : List.of(stated)) {
            WholeIds.of(id).ifPresent(ends::add);
        }
        return ends;
    }

    private List<GgufValue> items(String key) {
        return keys.get(PREFIX + key) instanceof GgufValue.Items items ? items.values() : List.of();
    }
}
