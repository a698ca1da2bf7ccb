package io.millrace.tests.pipeline;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A tokenizer.json like Gemma's, of 28 MB: 262,144 tokens, and half a million merges as pairs. */
final class LargeTokenizer {
    static final int TOKENS = 262_144;
    private static final String LETTERS = "\u2581abcdefghijklmnoабвгдежзиклм";

    private LargeTokenizer() {}

    static void write(Path folder) throws IOException {
        List<String> words = words();
        try (JsonGenerator json = new JsonFactory()
                .createGenerator(folder.resolve("tokenizer.json").toFile(), JsonEncoding.UTF8)) {
            json.useDefaultPrettyPrinter();
            json.writeStartObject();
            json.writeObjectFieldStart("normalizer");
            json.writeStringField("type", "Replace");
            json.writeObjectFieldStart("pattern");
            json.writeStringField("String", " ");
            json.writeEndObject();
            json.writeStringField("content", "\u2581");
            json.writeEndObject();
            json.writeObjectFieldStart("model");
            json.writeStringField("type", "BPE");
            json.writeBooleanField("byte_fallback", true);
            json.writeObjectFieldStart("vocab");
            for (int id = 0; id < TOKENS; id++) {
                json.writeNumberField(words.get(id), id);
            }
            json.writeEndObject();
            json.writeArrayFieldStart("merges");
            for (String word : words) {
                writeMerge(json, word, word.length() - 1);
                writeMerge(json, word, 1);
            }
            json.writeEndArray();
            json.writeEndObject();
            json.writeEndObject();
        }
    }

    private static void writeMerge(JsonGenerator json, String word, int cut) throws IOException {
        if (word.length() > 1) {
            json.writeArray(new String[] {word.substring(0, cut), word.substring(cut)}, 0, 2);
        }
    }

    /** All of one letter, all of two and so on, so that the parts of each are there before it. */
    private static List<String> words() {
        List<String> words = new ArrayList<>(List.of(""));
        for (int shorter = 0; words.size() <= TOKENS; shorter++) {
            for (int letter = 0; letter < LETTERS.length() && words.size() <= TOKENS; letter++) {
                words.add(words.get(shorter) + LETTERS.charAt(letter));
            }
        }
        return words.subList(1, words.size());
    }
}
