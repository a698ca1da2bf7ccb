package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** The special tokens that a tokenizer puts around a text: empty where it puts none. */
record PostProcessor(String first, String last) {
    static PostProcessor of(ObjectNode tokenizer) {
        JsonNode template = template(tokenizer.path("post_processor"));
        JsonNode single = template.path("single");
        if (!single.isArray() || single.isEmpty()) {
            return new PostProcessor("", "");
        }
        return new PostProcessor(special(single.get(0)), special(single.get(single.size() - 1)));
    }

    static boolean hasTemplate(ObjectNode tokenizer) {
        return isTemplate(template(tokenizer.path("post_processor")));
    }

    boolean startsWithToken() {
        return !first.isEmpty();
    }

    private static JsonNode template(JsonNode processor) {
        for (JsonNode part : processor.path("processors")) {
            if (isTemplate(part)) {
                return part;
            }
        }
        return processor;
    }

    private static boolean isTemplate(JsonNode processor) {
        return processor.path("type").asText().equals("TemplateProcessing");
    }

    private static String special(JsonNode part) {
        return part.path("SpecialToken").path("id").asText("");
    }
}
