package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Optional;

/** Ids of tokens as JSON states them. */
final class WholeIds {
    private WholeIds() {}

    /** Empty of what is no whole number, or none that an int holds: cut off, it would name another token. */
    static Optional<Integer> of(JsonNode id) {
        return id.isIntegralNumber() && id.canConvertToInt() ? Optional.of(id.intValue()) : Optional.empty();
    }
}
