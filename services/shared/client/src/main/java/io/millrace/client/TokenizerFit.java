package io.millrace.client;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Whether a checkpoint's {@code tokenizer.json} can be its own: each piece has a row in the embedding, and nearly each row a
 * piece. It is read as a stream, since it may have tens of megabytes; one that is no tokenizer is left to the stages, which
 * say what it lacks.
 */
public final class TokenizerFit {
    static final String FILE = "tokenizer.json";

    /** Embeddings are padded to a multiple, of 256 at most. */
    private static final int PADDING = 256;

    /** One row in so many may be kept for later; DeepSeek V2 keeps 2.3 %. */
    private static final int KEPT_FOR_LATER = 20;

    private static final JsonFactory JSON = JsonFactory.builder()
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(64).build())
            .build();

    private final Path file;
    private final int rows;
    private final BitSet used = new BitSet();
    private final SortedMap<Long, String> beyond = new TreeMap<>();
    private final SortedMap<Long, String> addedBeyond = new TreeMap<>();

    private TokenizerFit(Path file, int rows) {
        this.file = file;
        this.rows = rows;
    }

    /**
     * What people should know of it, in one line; empty if it fits.
     *
     * @param rows of the embedding
     * @throws RefusedCheckpointException if a text may become a token that has no row
     */
    public static Optional<String> doubt(Path folder, int rows) throws IOException {
        Path file = folder.resolve(FILE);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        TokenizerFit fit = new TokenizerFit(file, rows);
        try (JsonParser json = JSON.createParser(file.toFile())) {
            fit.read(json);
        } catch (JsonProcessingException e) {
            return Optional.empty();
        }
        return fit.doubt();
    }

    /** Trainers add a token for padding without a row, and Gemma 3 of text alone has one for images: no text has them. */
    private Optional<String> doubt() throws RefusedCheckpointException {
        beyond.keySet().removeAll(addedBeyond.keySet());
        if (!beyond.isEmpty()) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": token " + first(beyond) + ", but the embedding has " + rows
                            + " rows; put the model's own tokenizer there");
        }
        if (!addedBeyond.isEmpty()) {
            return Optional.of(file + ": " + addedBeyond.size() + " added token(s), first " + first(addedBeyond)
                    + ", have no row in the embedding of " + rows + "; a text with them is not for this model");
        }
        int unused = rows - used.cardinality();
        return used.isEmpty() || unused < PADDING || unused <= rows / KEPT_FOR_LATER
                ? Optional.empty()
                : Optional.of(file + ": knows " + used.cardinality() + " tokens, but the embedding has " + rows
                        + " rows; is it this model's own tokenizer?");
    }

    private static String first(SortedMap<Long, String> tokens) {
        return "'" + tokens.firstEntry().getValue() + "' with id " + tokens.firstKey();
    }

    private void read(JsonParser json) throws IOException {
        if (json.nextToken() != JsonToken.START_OBJECT) {
            return;
        }
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String name = json.currentName();
            JsonToken value = json.nextToken();
            if (name.equals("added_tokens") && value == JsonToken.START_ARRAY) {
                addedTokens(json);
            } else if (name.equals("model") && value == JsonToken.START_OBJECT) {
                model(json);
            } else {
                json.skipChildren();
            }
        }
    }

    private void model(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            boolean pieces = json.currentName().equals("vocab");
            JsonToken value = json.nextToken();
            if (pieces && value == JsonToken.START_OBJECT) {
                while (json.nextToken() == JsonToken.FIELD_NAME) {
                    String piece = json.currentName();
                    json.nextToken();
                    place(piece, json.getValueAsLong(-1), beyond);
                    json.skipChildren();
                }
            } else if (pieces && value == JsonToken.START_ARRAY) {
                // Unigram has no ids: a piece's place is its id.
                for (int id = 0; json.nextToken() != JsonToken.END_ARRAY && json.currentToken() != null; id++) {
                    json.skipChildren();
                    place(Integer.toString(id), id, beyond);
                }
            } else {
                json.skipChildren();
            }
        }
    }

    private void place(String token, long id, SortedMap<Long, String> withoutRow) {
        if (id >= rows) {
            withoutRow.put(id, token);
        } else if (id >= 0) {
            used.set((int) id);
        }
    }

    private void addedTokens(JsonParser json) throws IOException {
        while (json.nextToken() == JsonToken.START_OBJECT) {
            long id = -1;
            String text = "";
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                json.nextToken();
                switch (name) {
                    case "id" -> id = json.getValueAsLong(-1);
                    case "content" -> text = json.getValueAsString("");
                    default -> {}
                }
                json.skipChildren();
            }
            place(text, id, addedBeyond);
        }
    }
}
