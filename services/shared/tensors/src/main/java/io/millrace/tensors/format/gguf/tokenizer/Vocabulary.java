package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.PackedTexts;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The tokens of a model in the order of their ids, as GGUF lists them.
 *
 * @param model GGUF's name of the algorithm: {@code llama} for SentencePiece, {@code gpt2} for byte-level BPE
 * @param splitting GGUF's name of what happens before the algorithm, {@code tokenizer.ggml.pre}
 * @param merges of a byte-level BPE, "left right"; empty otherwise
 * @param preparation of a text, where a tokenizer.model alone says it
 */
record Vocabulary(String model, String splitting, List<Token> tokens, PackedTexts merges, TextPreparation preparation) {
    static final float ADDED_SCORE = -1000f;
    static final float PADDING_SCORE = -10000f;

    Vocabulary {
        tokens = List.copyOf(tokens);
    }

    record Token(String text, float score, Kind kind) {
        /** What fills an embedding row that has no token. */
        static Token padding(int id) {
            return new Token("[PAD" + id + "]", PADDING_SCORE, Kind.UNUSED);
        }
    }

    /** Kinds of tokens, numbered alike by SentencePiece and GGUF. */
    enum Kind {
        NORMAL(1),
        UNKNOWN(2),
        CONTROL(3),
        USER_DEFINED(4),
        UNUSED(5),
        BYTE(6);

        private final int id;

        Kind(int id) {
            this.id = id;
        }

        int id() {
            return id;
        }

        static Optional<Kind> of(long id) {
            return Arrays.stream(values()).filter(kind -> kind.id == id).findFirst();
        }
    }
}
