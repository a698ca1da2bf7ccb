package io.millrace.tensors.format.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.gguf.tokenizer.GenerationTokens;
import io.millrace.tensors.format.safetensors.FolderPaths;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * {@code genai_config.json}: what ONNX Runtime's generation library is told of a graph, and how it searches unless asked
 * otherwise. Token ids and sampling come from generation_config.json, else from config.json; the tokenizer's own ends are added.
 */
final class GenaiConfig {
    static final String FILE = "genai_config.json";

    private static final String GENERATION = "generation_config.json";
    private static final long LIMIT_BYTES = 1 << 20;

    private final ModelConfig config;
    private final ObjectNode generation;
    private final GenerationTokens tokens;

    private GenaiConfig(ModelConfig config, ObjectNode generation, GenerationTokens tokens) {
        this.config = config;
        this.generation = generation;
        this.tokens = tokens;
    }

    /** Of a checkpoint in this folder. */
    static ObjectNode of(ModelConfig config, Path folder, String graph) throws IOException {
        ObjectNode generation = Files.exists(folder.resolve(GENERATION), LinkOption.NOFOLLOW_LINKS)
                ? StrictJson.readFile(new FolderPaths(folder).inside(GENERATION), LIMIT_BYTES)
                : StrictJson.object();
        return new GenaiConfig(config, generation, GenerationTokens.of(folder, config)).json(graph);
    }

    private ObjectNode json(String graph) {
        ObjectNode json = StrictJson.object();
        ObjectNode model = json.putObject("model");
        stated("bos_token_id").ifPresent(id -> model.put("bos_token_id", id));
        model.put("context_length", config.maxPositions());
        decoder(model.putObject("decoder"), graph);
        List<Integer> ends = tokens.ends();
        if (ends.size() == 1) {
            model.put("eos_token_id", ends.getFirst());
        } else if (!ends.isEmpty()) {
            ends.forEach(model.putArray("eos_token_id")::add);
        }
        // The library wants one, although sequences of equal length are never padded.
        int first = ends.isEmpty() ? 0 : ends.getFirst();
        model.put("pad_token_id", stated("pad_token_id").or(tokens::padding).orElse(first));
        model.put("type", config.architecture().modelType());
        model.put("vocab_size", config.vocabularySize());
        search(json.putObject("search"));
        return json;
    }

    private void decoder(ObjectNode decoder, String graph) {
        ObjectNode session = decoder.putObject("session_options");
        session.put("log_id", "onnxruntime-genai");
        session.putArray("provider_options");
        decoder.put("filename", graph);
        decoder.put("head_size", config.headSize());
        decoder.put("hidden_size", config.hiddenSize());
        decoder.putObject("inputs")
                .put("input_ids", DecoderPorts.INPUT_IDS)
                .put("attention_mask", DecoderPorts.ATTENTION_MASK)
                .put("past_key_names", DecoderPorts.PAST + DecoderPorts.KEY)
                .put("past_value_names", DecoderPorts.PAST + DecoderPorts.VALUE);
        decoder.putObject("outputs")
                .put("logits", DecoderPorts.LOGITS)
                .put("present_key_names", DecoderPorts.PRESENT + DecoderPorts.KEY)
                .put("present_value_names", DecoderPorts.PRESENT + DecoderPorts.VALUE);
        decoder.put("num_attention_heads", config.headCount());
        decoder.put("num_hidden_layers", config.layerCount());
        decoder.put("num_key_value_heads", config.keyValueHeadCount());
    }

    private void search(ObjectNode search) {
        search.put("diversity_penalty", 0.0);
        search.put("do_sample", generation.path("do_sample").asBoolean(false));
        search.put("early_stopping", true);
        search.put("length_penalty", 1.0);
        search.put("max_length", config.maxPositions());
        search.put("min_length", 0);
        search.put("no_repeat_ngram_size", 0);
        search.put("num_beams", 1);
        search.put("num_return_sequences", 1);
        search.put("past_present_share_buffer", true);
        search.put("repetition_penalty", generation.path("repetition_penalty").asDouble(1));
        search.put("temperature", generation.path("temperature").asDouble(1));
        // Some write -1 for all; the library takes 0 for it and refuses less.
        search.put("top_k", Math.max(0, (int) generation.path("top_k").asDouble(50)));
        search.put("top_p", generation.path("top_p").asDouble(1));
    }

    /** The id that the first file that knows a key says, if the vocabulary has it. */
    private Optional<Integer> stated(String key) {
        return Stream.of(generation, config.json())
                .filter(file -> file.hasNonNull(key))
                .map(file -> file.get(key))
                .findFirst()
                .filter(id -> id.canConvertToExactIntegral() && id.canConvertToInt())
                .map(JsonNode::asInt)
                .filter(id -> id >= 0 && id < config.vocabularySize());
    }
}
