package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds out which kind of tokenizer a folder holds, and lists its tokens for as many ids as the embedding has rows. */
final class VocabularyReader {
    private static final String FILE = "tokenizer.json";
    private static final String SENTENCE_PIECE = "llama";
    private static final char WORD_START = '\u2581';

    private final TokenizerFiles files;
    private final @Nullable Token[] tokens;

    private VocabularyReader(TokenizerFiles files, int rows) {
        this.files = files;
        this.tokens = new @Nullable Token[rows];
    }

    static Vocabulary read(TokenizerFiles files, int rows) throws IOException {
        return new VocabularyReader(files, rows).vocabulary();
    }

    private Vocabulary vocabulary() throws IOException {
        JsonNode model = files.tokenizer().path("model");
        boolean byteFallback = model.path("byte_fallback").asBoolean(false);
        if (files.sentencePiece().isPresent() && (files.tokenizer().isEmpty() || byteFallback)) {
            List<Token> pieces = SentencePieceFile.read(files.sentencePiece().get());
            for (int id = 0; id < pieces.size(); id++) {
                place(id, pieces.get(id));
            }
            addSentencePieceTokens();
            return new Vocabulary(SENTENCE_PIECE, "default", filled(), List.of());
        }
        if (files.tokenizer().isEmpty()) {
            throw TokenizerFiles.problem(
                    FILE, "missing, and so is tokenizer.model; publish the checkpoint with its tokenizer");
        }
        if (!model.path("type").asText().equals("BPE")) {
            throw TokenizerFiles.unsupported(
                    FILE, "the tokenizer's model is '" + model.path("type").asText() + "', expected 'BPE'");
        }
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            if (!model.path(affix).asText("").isEmpty() && !model.path(affix).isNull()) {
                throw TokenizerFiles.unsupported(FILE, "'" + affix + "' is " + model.get(affix) + ", expected none");
            }
        }
        return byteFallback ? sentencePieceFromJson(model) : byteLevel(model);
    }

    private Vocabulary byteLevel(JsonNode model) throws MalformedFileException {
        String splitting = PreTokenizer.detect(files.tokenizer());
        for (Map.Entry<String, Integer> entry : vocab(model).entrySet()) {
            place(entry.getValue(), new Token(entry.getKey(), 0, Kind.NORMAL));
        }
        for (TokenizerFiles.Added added : files.added()) {
            Kind kind = added.control() ? Kind.CONTROL : Kind.USER_DEFINED;
            String text = added.control() ? added.text() : added.text().replace(WORD_START, ' ');
            place(added.id(), new Token(text, 0, kind));
        }
        return new Vocabulary("gpt2", splitting, filled(), merges(model));
    }

    /** Without tokenizer.model a piece's score is minus the rank of the merge that makes it: the order is what counts. */
    private Vocabulary sentencePieceFromJson(JsonNode model) throws MalformedFileException {
        WordMarks.require(files.tokenizer());
        Map<String, Integer> ranks = new HashMap<>();
        for (String merge : merges(model)) {
            ranks.putIfAbsent(merge.replace(" ", ""), ranks.size());
        }
        String unknown = model.path("unk_token").asText("");
        for (Map.Entry<String, Integer> entry : vocab(model).entrySet()) {
            String text = entry.getKey();
            Kind kind = text.equals(unknown) ? Kind.UNKNOWN : text.matches("<0x[0-9A-F]{2}>") ? Kind.BYTE : Kind.NORMAL;
            float score = kind == Kind.NORMAL ? -ranks.getOrDefault(text, ranks.size()) : 0;
            place(entry.getValue(), new Token(text, score, kind));
        }
        addSentencePieceTokens();
        return new Vocabulary(SENTENCE_PIECE, "default", filled(), List.of());
    }

    /**
     * Added tokens that the pieces do not have yet. Those they have become control if they are special; the others are
     * found in a text before it is split, which GGUF calls user-defined, with spaces for the marks of word starts.
     */
    private void addSentencePieceTokens() throws MalformedFileException {
        for (TokenizerFiles.Added added : files.added()) {
            if (added.id() >= tokens.length) {
                // Gemma 3 of text alone has the multimodal models' tokenizer, whose image token has no row here.
                continue;
            }
            Token piece = tokens[added.id()];
            if (piece == null || !piece.text().equals(added.text())) {
                Kind kind = added.control() ? Kind.CONTROL : Kind.USER_DEFINED;
                place(added.id(), new Token(added.text(), Vocabulary.ADDED_SCORE, kind));
            } else if (piece.kind() == Kind.NORMAL) {
                place(
                        added.id(),
                        added.control()
                                ? new Token(piece.text(), piece.score(), Kind.CONTROL)
                                : new Token(
                                        piece.text().replace(WORD_START, ' '),
                                        Vocabulary.ADDED_SCORE,
                                        Kind.USER_DEFINED));
            }
        }
    }

    private static Map<String, Integer> vocab(JsonNode model) throws MalformedFileException {
        Map<String, Integer> vocab = new HashMap<>();
        for (Map.Entry<String, JsonNode> entry : model.path("vocab").properties()) {
            if (!entry.getValue().canConvertToInt() || entry.getValue().asInt() < 0) {
                throw TokenizerFiles.problem(
                        FILE, "token '" + entry.getKey() + "' has id " + entry.getValue() + ", expected a number");
            }
            vocab.put(entry.getKey(), entry.getValue().asInt());
        }
        return vocab;
    }

    /** Merges as "left right"; newer files write them as pairs, whose parts may hold spaces. */
    private static List<String> merges(JsonNode model) throws MalformedFileException {
        List<String> merges = new ArrayList<>();
        for (JsonNode merge : model.path("merges")) {
            if (merge.isTextual()) {
                merges.add(merge.asText());
            } else if (merge.isArray() && merge.size() == 2) {
                merges.add(part(merge.get(0)) + " " + part(merge.get(1)));
            } else {
                throw TokenizerFiles.problem(FILE, "merge " + merge + ", expected \"left right\" or a pair");
            }
        }
        return merges;
    }

    private static String part(JsonNode text) {
        return text.asText().replace(' ', '\u0120');
    }

    private void place(int id, Token token) throws MalformedFileException {
        if (id >= tokens.length) {
            throw TokenizerFiles.problem(
                    FILE,
                    "token '" + token.text() + "' has id " + id + ", but the embedding has " + tokens.length + " rows");
        }
        tokens[id] = token;
    }

    private List<Token> filled() {
        List<Token> filled = new ArrayList<>(tokens.length);
        for (int id = 0; id < tokens.length; id++) {
            Token token = tokens[id];
            filled.add(token == null ? Token.padding(id) : token);
        }
        return filled;
    }
}
