package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/** The special tokens that a tokenizer puts around a text, in their order. */
record PostProcessor(List<String> before, List<String> after) {
    PostProcessor {
        before = List.copyOf(before);
        after = List.copyOf(after);
    }

    static PostProcessor of(ObjectNode tokenizer) {
        JsonNode processor = processor(tokenizer.path("post_processor"));
        if (isOfBert(processor)) {
            return new PostProcessor(
                    List.of(processor.path("cls").path(0).asText()),
                    List.of(processor.path("sep").path(0).asText()));
        }
        List<String> before = new ArrayList<>();
        List<String> after = new ArrayList<>();
        boolean text = false;
        for (JsonNode part : processor.path("single")) {
            text |= part.has("Sequence");
            if (part.has("SpecialToken")) {
                (text ? after : before).add(part.path("SpecialToken").path("id").asText());
            }
        }
        return new PostProcessor(before, after);
    }

    /** Whether the file says which tokens they are. */
    static boolean isStated(ObjectNode tokenizer) {
        return states(processor(tokenizer.path("post_processor")));
    }

    boolean startsWithToken() {
        return !before.isEmpty();
    }

    private static JsonNode processor(JsonNode processor) {
        for (JsonNode part : processor.path("processors")) {
            if (states(part)) {
                return part;
            }
        }
        return processor;
    }

    private static boolean states(JsonNode processor) {
        return processor.path("type").asText().equals("TemplateProcessing") || isOfBert(processor);
    }

    /** Older forms, which name the first and the last token alone. */
    private static boolean isOfBert(JsonNode processor) {
        return List.of("BertProcessing", "RobertaProcessing")
                .contains(processor.path("type").asText());
    }
}
