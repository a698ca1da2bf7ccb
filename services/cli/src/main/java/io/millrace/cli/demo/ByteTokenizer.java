package io.millrace.cli.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A {@code tokenizer.json} in which each byte is a token: byte-level BPE without merges, pre-tokenized by ByteLevel alone,
 * which every reader knows as that of GPT-2. No token is added to a text.
 */
public final class ByteTokenizer {
    public static final int VOCABULARY_SIZE = 256;

    private ByteTokenizer() {}

    public static void write(Path folder) throws IOException {
        Map<String, Object> byteLevel = new LinkedHashMap<>();
        byteLevel.put("type", "ByteLevel");
        byteLevel.put("add_prefix_space", false);
        byteLevel.put("trim_offsets", true);
        byteLevel.put("use_regex", true);
        Map<String, Object> model = new LinkedHashMap<>();
        model.put("type", "BPE");
        model.put("dropout", null);
        model.put("unk_token", null);
        model.put("continuing_subword_prefix", null);
        model.put("end_of_word_suffix", null);
        model.put("fuse_unk", false);
        model.put("byte_fallback", false);
        model.put("vocab", vocabulary());
        model.put("merges", List.of());
        Map<String, Object> tokenizer = new LinkedHashMap<>();
        tokenizer.put("version", "1.0");
        tokenizer.put("truncation", null);
        tokenizer.put("padding", null);
        tokenizer.put("added_tokens", List.of());
        tokenizer.put("normalizer", null);
        tokenizer.put("pre_tokenizer", byteLevel);
        tokenizer.put("post_processor", null);
        tokenizer.put("decoder", byteLevel);
        tokenizer.put("model", model);
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("tokenizer_class", "GPT2Tokenizer");
        config.put("add_bos_token", false);
        ObjectMapper json = new ObjectMapper();
        Files.write(folder.resolve("tokenizer.json"), json.writeValueAsBytes(tokenizer));
        Files.write(folder.resolve("tokenizer_config.json"), json.writeValueAsBytes(config));
    }

    /** Token id = byte. Bytes that do not print are spelled by the code points from 256 on, in order, as GPT-2 does. */
    private static Map<String, Integer> vocabulary() {
        Map<String, Integer> vocabulary = new LinkedHashMap<>();
        int next = 256;
        for (int value = 0; value < VOCABULARY_SIZE; value++) {
            int codePoint = prints(value) ? value : next++;
            vocabulary.put(Character.toString(codePoint), value);
        }
        return vocabulary;
    }

    private static boolean prints(int value) {
        return (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || (value >= 0xAE && value <= 0xFF);
    }
}
