package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.PackedTexts;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A {@code tokenizer.json}. Its vocabulary and its merges, which would take hundreds of MiB in a tree, are lists beside the
 * tree of all else.
 *
 * @param tree without {@code model.vocab} and {@code model.merges}; empty if there is no such file
 * @param tokens of the vocabulary, in the order of the file
 * @param ids one per token
 * @param merges "left right"
 */
record TokenizerJson(ObjectNode tree, List<String> tokens, List<Integer> ids, PackedTexts merges) {
    static final String FILE = "tokenizer.json";

    /** What stands for a space within a merge's parts. */
    private static final char SPACE = '\u0120';

    static TokenizerJson in(Path folder, long limitBytes) throws IOException {
        Path file = folder.resolve(FILE);
        Lists lists = new Lists();
        ObjectNode tree = Files.isRegularFile(file)
                ? StrictJson.readFile(file, limitBytes, lists::tokenizer)
                : StrictJson.object();
        return new TokenizerJson(tree, lists.tokens, lists.ids, lists.merges.build());
    }

    /** Refuses what the library that made the file would not open, and names that share an id, of which one would be lost. */
    void requireSound() throws MalformedFileException {
        if (tokens.isEmpty()) {
            throw TokenizerFiles.problem(FILE, "the vocabulary is empty, expected its tokens; copy the file again");
        }
        Set<String> known = new HashSet<>(tokens);
        for (String merge : merges) {
            int space = merge.indexOf(' ');
            if (space < 0 || space != merge.lastIndexOf(' ')) {
                throw TokenizerFiles.contradiction("merge '" + merge + "', expected \"left right\" with one space");
            }
            String left = merge.substring(0, space);
            String right = merge.substring(space + 1);
            for (String text : List.of(left, right, left + right)) {
                // Spaces within a pair's parts were replaced.
                if (!known.contains(text) && !known.contains(text.replace(SPACE, ' '))) {
                    throw TokenizerFiles.contradiction(
                            "merge '" + merge + "' needs the token '" + text + "', which the vocabulary lacks");
                }
            }
        }
        requireIdsOnce();
    }

    private void requireIdsOnce() throws MalformedFileException {
        BitSet taken = new BitSet();
        for (int i = 0; i < ids.size(); i++) {
            int id = ids.get(i);
            if (taken.get(id)) {
                throw TokenizerFiles.contradiction("tokens '" + tokens.get(ids.indexOf(id)) + "' and '" + tokens.get(i)
                        + "' both have id " + id + ", expected one token per id");
            }
            taken.set(id);
        }
    }

    /** The lists, which grow while the parser goes through the tree. */
    private static final class Lists {
        private final List<String> tokens = new ArrayList<>();
        private final List<Integer> ids = new ArrayList<>();
        private final PackedTexts.Builder merges = new PackedTexts.Builder();

        ObjectNode tokenizer(JsonParser json) throws IOException {
            ObjectNode tree = StrictJson.object();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                boolean model = json.nextToken() == JsonToken.START_OBJECT && name.equals("model");
                tree.set(name, model ? model(json) : StrictJson.value(json));
            }
            return tree;
        }

        private ObjectNode model(JsonParser json) throws IOException {
            ObjectNode tree = StrictJson.object();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                JsonToken value = json.nextToken();
                if (name.equals("vocab") && value == JsonToken.START_OBJECT) {
                    vocabulary(json);
                } else if (name.equals("merges") && value == JsonToken.START_ARRAY) {
                    merges(json);
                } else if (name.equals("vocab")) {
                    // A unigram model's, which is refused for being one.
                    json.skipChildren();
                } else {
                    tree.set(name, StrictJson.value(json));
                }
            }
            return tree;
        }

        private void vocabulary(JsonParser json) throws IOException {
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String token = json.currentName();
                json.nextToken();
                JsonNode stated = StrictJson.value(json);
                int id = WholeIds.of(stated).orElse(-1);
                if (id < 0) {
                    throw TokenizerFiles.contradiction(
                            "token '" + token + "' has id " + stated + ", expected a number");
                }
                tokens.add(token);
                ids.add(id);
            }
        }

        /** Newer files write them as pairs, whose parts may hold spaces. */
        private void merges(JsonParser json) throws IOException {
            while (json.nextToken() != JsonToken.END_ARRAY) {
                JsonNode merge = StrictJson.value(json);
                if (merge.isTextual() && merge.asText().startsWith("#version")) {
                    // A line of the older merges.txt that some exporters kept.
                    continue;
                }
                if (merge.isTextual()) {
                    merges.add(merge.asText());
                } else if (merge.isArray() && merge.size() == 2) {
                    merges.add(part(merge.get(0)) + " " + part(merge.get(1)));
                } else {
                    throw TokenizerFiles.contradiction("merge " + merge + ", expected \"left right\" or a pair");
                }
            }
        }

        private static String part(JsonNode text) {
            return text.asText().replace(' ', SPACE);
        }
    }
}
