package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.json.StrictJson;
import java.util.ArrayList;
import java.util.List;

/** The special tokens that come before and after each text, as the {@code post_processor} of a tokenizer.json. */
record SurroundingTokens(StoredTokenizer tokenizer) {
    /** @param begins whether llama.cpp starts texts with one where no key says */
    void put(ObjectNode json, boolean begins) {
        List<Integer> around = new ArrayList<>();
        ArrayNode single = StrictJson.object().putArray("single");
        if (tokenizer.flag("add_bos_token", begins)) {
            tokenizer.id("bos").ifPresent(id -> put(single, id, around));
        }
        single.addObject().putObject("Sequence").put("id", "A").put("type_id", 0);
        if (tokenizer.flag("add_eos_token", false)) {
            tokenizer.id("eos").ifPresent(id -> put(single, id, around));
        }
        if (around.isEmpty()) {
            putNone(json);
            return;
        }
        ObjectNode processor = json.putObject("post_processor").put("type", "TemplateProcessing");
        processor.set("single", single);
        ArrayNode pair = processor.putArray("pair").addAll(single);
        pair.addObject().putObject("Sequence").put("id", "B").put("type_id", 1);
        ObjectNode special = processor.putObject("special_tokens");
        for (int id : around) {
            String text = tokenizer.texts().get(id);
            ObjectNode token = special.putObject(text).put("id", text);
            token.putArray("ids").add(id);
            token.putArray("tokens").add(text);
        }
    }

    private void putNone(ObjectNode json) {
        if (tokenizer.ofPieces()) {
            json.putNull("post_processor");
            return;
        }
        json.putObject("post_processor")
                .put("type", "ByteLevel")
                .put("add_prefix_space", true)
                .put("trim_offsets", false)
                .put("use_regex", true);
    }

    private void put(ArrayNode single, int id, List<Integer> around) {
        single.addObject()
                .putObject("SpecialToken")
                .put("id", tokenizer.texts().get(id))
                .put("type_id", 0);
        around.add(id);
    }
}
