package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import io.millrace.tensors.format.protobuf.ProtobufWriter;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A {@code tokenizer.model} of pieces that merges join, for what reads no tokenizer.json. {@link SentencePieceFile} says what
 * its pieces are; after them come the fields that tell how it was trained and how a text is prepared.
 *
 * <pre>
 * 2   3 algorithm, 2 is BPE       4 number of pieces       35 bytes stand for what no piece spells
 *     40 to 43 ids, and 45 to 48 texts, of the unknown, first, last and padding token; -1 where there is none
 * 3   1 "identity"                3 a space before a text   4 no space is removed   5 spaces become marks
 * </pre>
 */
final class SentencePieceModel {
    private static final int BPE = 2;
    private static final int BYTE_PIECES = 256;
    private static final List<String> NAMES = List.of("unknown", "bos", "eos", "padding");

    private final List<Token> tokens;
    private final Map<String, Integer> ids;
    private final boolean prefix;

    /**
     * @param tokens of a GGUF file
     * @param ids of {@code unknown}, {@code bos}, {@code eos} and {@code padding}, as far as there are such tokens
     * @param prefix whether a space is put before a text
     */
    SentencePieceModel(List<Token> tokens, Map<String, Integer> ids, boolean prefix) {
        this.ids = ids;
        this.prefix = prefix;
        this.tokens = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            this.tokens.add(piece(id, tokens.get(id)));
        }
    }

    /** The file; empty if the library would not open it, or it would be another tokenizer. */
    Optional<byte[]> content() {
        long bytes = count(Kind.BYTE);
        if (count(Kind.UNKNOWN) != 1 || (bytes != 0 && bytes != BYTE_PIECES) || !distinct()) {
            return Optional.empty();
        }
        ProtobufWriter file = new ProtobufWriter();
        for (Token token : tokens) {
            ProtobufWriter piece = new ProtobufWriter().text(1, token.text()).real(2, token.score());
            file.message(
                    1,
                    token.kind() == Kind.NORMAL
                            ? piece
                            : piece.whole(3, token.kind().id()));
        }
        file.message(2, training(bytes != 0));
        ProtobufWriter preparing = new ProtobufWriter().text(1, "identity");
        file.message(3, preparing.whole(3, prefix ? 1 : 0).whole(4, 0).whole(5, 1));
        return Optional.of(file.toByteArray());
    }

    private ProtobufWriter training(boolean bytes) {
        ProtobufWriter training =
                new ProtobufWriter().whole(3, BPE).whole(4, tokens.size()).whole(35, bytes ? 1 : 0);
        for (int i = 0; i < NAMES.size(); i++) {
            training.whole(40 + i, ids.getOrDefault(NAMES.get(i), -1));
        }
        for (int i = 0; i < NAMES.size(); i++) {
            Integer id = ids.get(NAMES.get(i));
            if (id != null) {
                training.text(45 + i, tokens.get(id).text());
            }
        }
        return training;
    }

    /**
     * The library wants one unknown token, which converters to GGUF call control, and looks for pieces that the user defined
     * once spaces are marks. Those are first by their score too: Ollama takes them for normal ones.
     */
    private Token piece(int id, Token token) {
        boolean unknown = ids.containsKey("unknown") ? id == ids.get("unknown") : token.kind() == Kind.UNKNOWN;
        if (unknown) {
            return new Token(token.text(), token.score(), Kind.UNKNOWN);
        }
        return switch (token.kind()) {
            case USER_DEFINED -> new Token(token.text().replace(' ', '\u2581'), 0, Kind.USER_DEFINED);
            case UNKNOWN -> new Token(token.text(), token.score(), Kind.CONTROL);
            case NORMAL, CONTROL, UNUSED, BYTE -> token;
        };
    }

    private long count(Kind kind) {
        return tokens.stream().filter(token -> token.kind() == kind).count();
    }

    private boolean distinct() {
        Set<String> texts = new HashSet<>();
        return tokens.stream().allMatch(token -> !token.text().isEmpty() && texts.add(token.text()));
    }
}
