package io.millrace.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Small checkpoints, good and bad. */
final class Checkpoints {
    static final String CONFIG = """
            {"architectures": ["LlamaForCausalLM"], "vocab_size": 4, "hidden_size": 2, "intermediate_size": 6,
             "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
             "max_position_embeddings": 32, "tie_word_embeddings": true}
            """;

    private Checkpoints() {}

    /** 8 parameters in BF16, a tied head beside them, and a table that is not learned. */
    static Path small(Path folder) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), CONFIG);
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        safetensors(folder.resolve("model.safetensors"), """
                {"__metadata__":{"format":"pt"},
                 "model.embed_tokens.weight":{"dtype":"BF16","shape":[4,2],"data_offsets":[0,16]},
                 "lm_head.weight":{"dtype":"BF16","shape":[4,2],"data_offsets":[16,32]},
                 "model.layers.0.self_attn.rotary_emb.inv_freq":{"dtype":"F32","shape":[1],"data_offsets":[32,36]}}""", 36);
        return folder;
    }

    static void safetensors(Path file, String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(StandardCharsets.UTF_8);
        file(file, json.length, json, dataBytes);
    }

    static void file(Path file, long headerBytes, byte[] header, int dataBytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(headerBytes)
                .array());
        out.writeBytes(header);
        out.writeBytes(new byte[dataBytes]);
        Files.write(file, out.toByteArray());
    }
}
