package io.millrace.tensors.format.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Small checkpoints with a tokenizer, and GGUF files made from them. */
final class GgufModels {
    static final long SEED = 7;

    private GgufModels() {}

    /** Two layers whose rows are whole super-blocks, unless the caller changes the sizes. */
    static ObjectNode config(String className, String modelType) throws IOException {
        return TinyModels.config(className, modelType)
                .put("hidden_size", 256)
                .put("intermediate_size", 512)
                .put("num_attention_heads", 4)
                .put("num_key_value_heads", 2);
    }

    static ObjectNode llama() throws IOException {
        return config("LlamaForCausalLM", "llama");
    }

    static Path folder(Path parent, ObjectNode config) throws IOException {
        Path folder = TinyModels.write(parent.resolve("model"), config, DType.F32, SEED);
        Files.writeString(folder.resolve("tokenizer.json"), StrictJson.print(tokenizer()));
        Files.writeString(folder.resolve("tokenizer_config.json"), "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
        return folder;
    }

    /** A byte-level BPE of a few tokens, split as GPT-2 splits. */
    static ObjectNode tokenizer() {
        ObjectNode json = StrictJson.object();
        ArrayNode added = json.putArray("added_tokens");
        added.addObject().put("id", 0).put("content", "<s>").put("special", true);
        added.addObject().put("id", 1).put("content", "</s>").put("special", true);
        json.putNull("normalizer");
        json.putObject("pre_tokenizer")
                .put("type", "ByteLevel")
                .put("add_prefix_space", false)
                .put("trim_offsets", true)
                .put("use_regex", true);
        ObjectNode model = json.putObject("model").put("type", "BPE");
        ObjectNode vocab = model.putObject("vocab");
        List<String> tokens = List.of("<s>", "</s>", "a", "b", "\u0120", "ab", "\u0120a");
        for (int id = 0; id < tokens.size(); id++) {
            vocab.put(tokens.get(id), id);
        }
        model.putArray("merges").add("a b").add("\u0120 a");
        return json;
    }

    static List<TensorReport> write(Path folder, GgufFileType type, Path file, int threads)
            throws IOException, InterruptedException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return GgufCompressor.plan(checkpoint, type).write(file, threads, Progress.NONE);
        }
    }
}
