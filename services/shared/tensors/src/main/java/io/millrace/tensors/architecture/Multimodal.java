package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A model that sees as well as it reads. Its config.json holds that of its text model, from which transformers leaves out
 * whatever equals its defaults, and its weights lie under names of their own.
 *
 * @param className {@code architectures[0]}
 * @param bodyName likewise without a head, as transformers' AutoModel makes it
 * @param modelType {@code model_type}
 * @param textClassName the architecture of the text model
 * @param textModelType likewise
 * @param textDefaults what the configuration of the text model means where it is silent
 */
record Multimodal(
        String className,
        String bodyName,
        String modelType,
        String textClassName,
        String textModelType,
        Map<String, JsonNode> textDefaults) {
    static final String TEXT = "text_config";

    /** What the file says of the whole model and the text model's own file has to say. */
    private static final List<String> SHARED = List.of(
            "torch_dtype",
            "dtype",
            "bos_token_id",
            "eos_token_id",
            "pad_token_id",
            "tie_word_embeddings",
            "transformers_version",
            "_name_or_path",
            "quantization_config",
            ModelConfig.LITERATURE_SCHEME);

    /** The defaults are those of Gemma3TextConfig, the same in transformers 4.50 and 5.24. */
    private static final Multimodal GEMMA_3 = new Multimodal(
            "Gemma3ForConditionalGeneration",
            "Gemma3Model",
            "gemma3",
            "Gemma3ForCausalLM",
            "gemma3_text",
            Map.ofEntries(
                    Map.entry("vocab_size", IntNode.valueOf(262_208)),
                    Map.entry("hidden_size", IntNode.valueOf(2304)),
                    Map.entry("intermediate_size", IntNode.valueOf(9216)),
                    Map.entry("num_hidden_layers", IntNode.valueOf(26)),
                    Map.entry("num_attention_heads", IntNode.valueOf(8)),
                    Map.entry("num_key_value_heads", IntNode.valueOf(4)),
                    Map.entry("head_dim", IntNode.valueOf(256)),
                    Map.entry("max_position_embeddings", IntNode.valueOf(131_072)),
                    Map.entry("rms_norm_eps", DoubleNode.valueOf(1e-6)),
                    Map.entry("query_pre_attn_scalar", IntNode.valueOf(256)),
                    Map.entry("sliding_window", IntNode.valueOf(4096)),
                    Map.entry("rope_theta", DoubleNode.valueOf(1_000_000.0)),
                    Map.entry("pad_token_id", IntNode.valueOf(0)),
                    Map.entry("eos_token_id", IntNode.valueOf(1)),
                    Map.entry("bos_token_id", IntNode.valueOf(2))));

    private static final List<Multimodal> KNOWN = List.of(GEMMA_3);

    /** Where the text model's tensors lie: as most are published, and as transformers names them in memory. */
    private static final Map<String, String> TEXT_NAMES =
            Map.of("language_model.", "", "model.language_model.", "model.");

    /** Modules that turn a picture into what the text model takes for words. */
    private static final List<String> SEEING =
            List.of("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.");

    /** The kind of model that a config.json describes; empty if it is no known multimodal one. */
    static Optional<Multimodal> of(ObjectNode json) {
        String className = json.path("architectures").path(0).asText("");
        String modelType = json.path("model_type").asText("");
        return KNOWN.stream()
                .filter(known ->
                        className.isEmpty() || known.className.equals(className) || known.bodyName.equals(className))
                .filter(known -> known.modelType.equals(modelType))
                .filter(_ -> json.has(TEXT))
                .findFirst();
    }

    /** The config.json that the text model has by itself. */
    ObjectNode text(ObjectNode json, String file) throws MalformedFileException {
        ConfigJson inner = new ConfigJson(json, file)
                .object(TEXT)
                .orElseThrow(() -> new MalformedFileException(file, -1, "'" + TEXT + "' is null, expected an object"));
        if (inner.present("model_type") && !inner.text("model_type").equals(textModelType)) {
            throw new MalformedFileException(
                    Kind.UNKNOWN_ARCHITECTURE,
                    file,
                    "'model_type' in '" + TEXT + "' is '" + inner.text("model_type") + "', expected '" + textModelType
                            + "' for " + className);
        }
        ObjectNode text = inner.json().deepCopy();
        text.putArray("architectures").add(textClassName);
        text.put("model_type", textModelType);
        for (String key : textDefaults.keySet().stream().sorted().toList()) {
            if (!text.has(key)) {
                text.set(key, stated(text, key).orElse(textDefaults.get(key)));
            }
        }
        for (String key : SHARED) {
            if (json.hasNonNull(key)) {
                text.set(key, json.get(key));
            }
        }
        return text;
    }

    /** transformers 5 has the rotary base in another place; the default beside it would contradict it. */
    private static Optional<JsonNode> stated(ObjectNode text, String key) {
        return Optional.of(text.path(RotarySpelling.PARAMETERS)
                        .path(RotarySpelling.FULL)
                        .path(key))
                .filter(value -> key.equals(RotarySpelling.BASE) && value.isNumber());
    }

    /** What the text model's tensor or module may be called in a multimodal one, its own name first. */
    static List<String> names(String textName) {
        return Stream.concat(
                        Stream.of(textName),
                        TEXT_NAMES.entrySet().stream()
                                .filter(entry -> textName.startsWith(entry.getValue()))
                                .map(entry -> entry.getKey()
                                        + textName.substring(entry.getValue().length())))
                .toList();
    }

    /** The name that the text model gives to a stored tensor of its own; others keep theirs. */
    static String textName(String stored) {
        return TEXT_NAMES.entrySet().stream()
                .filter(entry -> stored.startsWith(entry.getKey()))
                .findFirst()
                .map(entry -> entry.getValue() + stored.substring(entry.getKey().length()))
                .orElse(stored);
    }

    /** Whether a stored tensor belongs to the part that sees. */
    static boolean seeing(String stored) {
        return SEEING.stream().anyMatch(stored::startsWith);
    }
}
