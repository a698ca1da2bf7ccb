package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.Tekken;
import io.millrace.tensors.format.gguf.PackedTexts;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds out which kind of tokenizer a folder holds, and lists its tokens for as many ids as the embedding has rows. */
final class VocabularyReader {
    private static final String FILE = TokenizerJson.FILE;
    private static final String SENTENCE_PIECE = "llama";
    private static final PackedTexts NO_MERGES = PackedTexts.of(List.of());
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
            WordMarks.require(files.tokenizer());
            SentencePieceFile.Content file =
                    SentencePieceFile.read(files.sentencePiece().get());
            List<Token> pieces = file.pieces();
            for (int id = 0; id < pieces.size(); id++) {
                place(id, pieces.get(id));
            }
            addSentencePieceTokens();
            TextPreparation preparation = files.tokenizer().isEmpty() ? file.preparation() : TextPreparation.OF_LLAMA;
            return new Vocabulary(SENTENCE_PIECE, "default", filled(), NO_MERGES, preparation);
        }
        if (files.tokenizer().isEmpty()) {
            if (Tekken.in(files.folder())) {
                throw TokenizerFiles.problem(FILE, "missing, found " + Tekken.FILE + "; " + Tekken.REMEDY);
            }
            String found = Files.exists(files.folder().resolve(FILE))
                    ? "is an empty object, expected a tokenizer, and tokenizer.model is missing"
                    : "missing, and so is tokenizer.model";
            throw TokenizerFiles.problem(FILE, found + "; publish the checkpoint with its tokenizer");
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
        files.json().requireSound();
        return byteFallback ? sentencePieceFromJson(model) : byteLevel();
    }

    private Vocabulary byteLevel() throws MalformedFileException {
        String splitting = PreTokenizer.detect(files.tokenizer());
        List<Integer> ids = files.json().ids();
        for (int i = 0; i < ids.size(); i++) {
            place(ids.get(i), new Token(files.json().tokens().get(i), 0, Kind.NORMAL));
        }
        for (TokenizerFiles.Added added : files.added()) {
            Kind kind = added.control() ? Kind.CONTROL : Kind.USER_DEFINED;
            place(added.id(), new Token(added.text(), 0, kind));
        }
        return new Vocabulary("gpt2", splitting, filled(), files.json().merges(), TextPreparation.OF_LLAMA);
    }

    /** Without tokenizer.model a piece's score is minus the rank of the merge that makes it: the order is what counts. */
    private Vocabulary sentencePieceFromJson(JsonNode model) throws MalformedFileException {
        WordMarks.require(files.tokenizer());
        MergeRanks ranks = MergeRanks.of(files.json());
        String unknown = model.path("unk_token").asText("");
        List<Integer> ids = files.json().ids();
        for (int i = 0; i < ids.size(); i++) {
            String text = files.json().tokens().get(i);
            Kind kind = text.equals(unknown) ? Kind.UNKNOWN : text.matches("<0x[0-9A-F]{2}>") ? Kind.BYTE : Kind.NORMAL;
            place(ids.get(i), new Token(text, kind == Kind.NORMAL ? -ranks.of(text) : 0, kind));
        }
        addSentencePieceTokens();
        return new Vocabulary(SENTENCE_PIECE, "default", filled(), NO_MERGES, TextPreparation.OF_LLAMA);
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
            } else if (piece.kind() == Kind.USER_DEFINED && added.control()) {
                // Gemma's pieces call the marks of a turn user-defined, and then any text could hold them.
                place(added.id(), new Token(piece.text(), piece.score(), Kind.CONTROL));
            }
        }
    }

    private void place(int id, Token token) throws MalformedFileException {
        if (id >= tokens.length) {
            throw TokenizerFiles.contradiction(
                    "token '" + token.text() + "' has id " + id + ", but the embedding has " + tokens.length + " rows");
        }
        tokens[id] = token;
    }

    private List<Token> filled() throws MalformedFileException {
        List<Token> filled = new ArrayList<>(tokens.length);
        for (int id = 0; id < tokens.length; id++) {
            Token token = tokens[id];
            filled.add(token == null ? Token.padding(id) : token);
        }
        requireDistinct(filled);
        return filled;
    }

    /**
     * llama.cpp reads a text up to its first zero character, gives empty ones a name, and aborts if two are equal. They are
     * sorted by numbers, since a map of a large vocabulary would take twenty megabytes.
     */
    private static void requireDistinct(List<Token> tokens) throws MalformedFileException {
        long[] places = new long[tokens.size()];
        for (int id = 0; id < places.length; id++) {
            places[id] = (long) read(tokens.get(id)).hashCode() << Integer.SIZE | id;
        }
        Arrays.sort(places);
        Map<String, Integer> alike = new HashMap<>();
        for (int i = 1; i < places.length; i++) {
            if (places[i] >> Integer.SIZE != places[i - 1] >> Integer.SIZE) {
                alike.clear();
                continue;
            }
            if (alike.isEmpty()) {
                requireNew((int) places[i - 1], tokens, alike);
            }
            requireNew((int) places[i], tokens, alike);
        }
    }

    private static void requireNew(int id, List<Token> tokens, Map<String, Integer> known)
            throws MalformedFileException {
        String read = read(tokens.get(id));
        Integer other = read.isEmpty() ? null : known.putIfAbsent(read, id);
        if (other != null) {
            throw TokenizerFiles.unsupported(
                    FILE,
                    "tokens " + other + " and " + id + " are both '" + read
                            + "' in GGUF, with which llama.cpp would not open the model");
        }
    }

    private static String read(Token token) {
        int zero = token.text().indexOf('\0');
        return zero < 0 ? token.text() : token.text().substring(0, zero);
    }
}
