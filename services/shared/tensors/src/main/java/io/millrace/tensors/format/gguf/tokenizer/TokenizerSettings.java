package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.json.StrictJson;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What tokenizer_config.json says beside tokenizer.json. */
record TokenizerSettings(StoredTokenizer tokenizer) {
    /** @param added the {@code added_tokens} of the tokenizer.json */
    ObjectNode json(JsonNode added) {
        ObjectNode settings = StrictJson.object();
        // By this name onnxruntime-genai knows pieces: it split Hindi and Tamil elsewhere without.
        boolean known = tokenizer.ofPieces() && tokenizer.ofGemma();
        settings.put("tokenizer_class", known ? "GemmaTokenizer" : "PreTrainedTokenizerFast");
        settings.put("clean_up_tokenization_spaces", false);
        Map<String, String> names = new LinkedHashMap<>();
        names.put("bos", "bos_token");
        names.put("eos", "eos_token");
        names.put("unknown", "unk_token");
        names.put("padding", "pad_token");
        names.forEach((role, name) -> tokenizer
                .id(role)
                .ifPresent(id -> settings.put(name, tokenizer.texts().get(id))));
        for (String flag : List.of("add_bos_token", "add_eos_token", "add_space_prefix")) {
            tokenizer.flag(flag).ifPresent(value -> settings.put(flag.replace("space_prefix", "prefix_space"), value));
        }
        if (tokenizer.ofPieces()) {
            // llama.cpp's converter takes from here which pieces of tokenizer.model it looks for in a text.
            ObjectNode decoder = settings.putObject("added_tokens_decoder");
            for (JsonNode token : added) {
                ObjectNode flags = token.deepCopy();
                decoder.set(flags.remove("id").asText(), flags);
            }
        }
        tokenizer.chatTemplates().putSetting(settings);
        return settings;
    }
}
