package io.millrace.tests.deploy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A Hugging Face folder of one tensor: enough to be published, and for stages that look into no tensor. */
final class TinyCheckpoint {
    private static final String CONFIG = """
            {"architectures": ["LlamaForCausalLM"], "vocab_size": 4, "hidden_size": 2, "intermediate_size": 4,
             "num_hidden_layers": 1, "num_attention_heads": 1, "max_position_embeddings": 256,
             "tie_word_embeddings": true}
            """;
    private static final String HEADER =
            "{\"model.embed_tokens.weight\": {\"dtype\": \"BF16\", \"shape\": [4, 2], \"data_offsets\": [0, 16]}}";
    private static final int DATA_BYTES = 16;

    private TinyCheckpoint() {}

    static Path write(Path folder) throws IOException {
        byte[] header = HEADER.getBytes(StandardCharsets.UTF_8);
        byte[] weights = ByteBuffer.allocate(Long.BYTES + header.length + DATA_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), CONFIG);
        Files.writeString(folder.resolve("tokenizer.json"), "{}");
        Files.write(folder.resolve("model.safetensors"), weights);
        return folder;
    }
}
