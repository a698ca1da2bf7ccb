package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.IntNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Turns the content of a config.json into a {@link ModelConfig}, and refuses by name whatever our forward pass and
 * formats would silently get wrong. Defaults are those of the transformers classes, used only where all versions agree.
 */
final class ConfigParser {
    static final long LIMIT_BYTES = 16L << 20;

    private static final int MOST_LAYERS = 4096;
    private static final int MOST_EXPERTS = 4096;

    static final String PARTIAL_ROTATION = "partial_rotary_factor";

    private static final List<String> TORCH_DTYPES = List.of("float32", "float16", "bfloat16");

    private final ConfigJson config;

    ConfigParser(ObjectNode json, String file) {
        this.config = new ConfigJson(json, file);
    }

    /** @param multimodal the whole file, if the text model's part of it is read here */
    ModelConfig parse(Optional<ObjectNode> multimodal) throws MalformedFileException {
        for (String key : List.of("quantization_config", ModelConfig.LITERATURE_SCHEME)) {
            if (config.present(key)) {
                throw new MalformedFileException(
                        Kind.ALREADY_QUANTIZED,
                        config.file(),
                        "found '" + key + "': this checkpoint is already quantized, and quantizing twice only"
                                + " adds error; expected the dense original");
            }
        }
        Architecture architecture = architecture();
        checkTorchDtype();
        refuseVariants(architecture);

        int hiddenSize = config.size("hidden_size");
        int headCount = config.size("num_attention_heads");
        int keyValueHeadCount = keyValueHeadCount(architecture, headCount);
        if (headCount % keyValueHeadCount != 0) {
            throw config.problem("'num_attention_heads' is " + headCount + " and 'num_key_value_heads' is "
                    + keyValueHeadCount + ", expected the first to be a multiple of the second");
        }
        int headSize = headSize(architecture, hiddenSize, headCount);
        int layerCount = config.whole("num_hidden_layers", MOST_LAYERS);
        int maxPositions = config.whole("max_position_embeddings", Integer.MAX_VALUE);
        int rotarySize = rotarySize(architecture, headSize);
        RotaryParser rotary = new RotaryParser(config, architecture, rotarySize, maxPositions);
        Rotary common = rotary.common();
        LayerParser layers = new LayerParser(config, architecture, layerCount);
        OptionalInt slidingWindow = layers.slidingWindow();
        return new ModelConfig(
                architecture,
                name(),
                config.size("vocab_size"),
                hiddenSize,
                config.size("intermediate_size"),
                layerCount,
                headCount,
                keyValueHeadCount,
                headSize,
                rotarySize,
                maxPositions,
                config.positive("rms_norm_eps"),
                attentionScale(architecture, layerCount, hiddenSize, headCount, headSize),
                common.base(),
                common.scaling(),
                slidingWindow,
                layers.attention(slidingWindow, common, rotary.local(common)),
                scoreCap(architecture),
                logitCap(architecture),
                experts(architecture),
                tiedHead(architecture),
                config.json(),
                multimodal);
    }

    private Architecture architecture() throws MalformedFileException {
        JsonNode classes = config.at("architectures");
        if (config.present("architectures")
                && !(classes.isArray() && classes.size() == 1 && classes.get(0).isTextual())) {
            throw config.problem("'architectures' is " + classes + ", expected a list of one name");
        }
        String className = classes.path(0).asText("");
        String modelType = config.present("model_type") ? config.text("model_type") : "";
        for (Architecture architecture : Architecture.known()) {
            boolean sameClass = className.isEmpty() || architecture.named(className);
            boolean sameType = modelType.isEmpty() || architecture.modelType().equals(modelType);
            if (sameClass && sameType && !(className.isEmpty() && modelType.isEmpty())) {
                return architecture;
            }
        }
        if (config.present("text_config")) {
            throw config.variant("found the multimodal '" + className + "', whose text model lies within 'text_config',"
                    + " expected Gemma3ForConditionalGeneration or a model of text alone; save its text model by itself,"
                    + " and the tokenizer likewise");
        }
        String known = Architecture.known().stream()
                .map(architecture -> architecture.className() + " (" + architecture.modelType() + ")")
                .collect(Collectors.joining(", "));
        throw config.variant(
                "found architecture '" + className + "' with model_type '" + modelType + "', expected one of " + known);
    }

    private void checkTorchDtype() throws MalformedFileException {
        for (String key : List.of("torch_dtype", "dtype")) {
            if (config.present(key) && !TORCH_DTYPES.contains(config.text(key))) {
                throw config.problem("'" + key + "' is '" + config.text(key) + "', expected one of " + TORCH_DTYPES);
            }
        }
    }

    private void refuseVariants(Architecture architecture) throws MalformedFileException {
        String activation = architecture.has(Trait.GELU) ? "gelu_pytorch_tanh" : "silu";
        for (String key : List.of("hidden_activation", "hidden_act")) {
            if (config.present(key) && !config.text(key).equals(activation)) {
                throw config.variant("'" + key + "' is '" + config.text(key) + "', expected '" + activation + "'");
            }
        }
        config.expect("use_bidirectional_attention", BooleanNode.FALSE, ": a decoder sees no later token");
        config.expect("is_causal", BooleanNode.TRUE, ": a decoder sees no later token");
        if (config.flag("mlp_bias", false)) {
            throw config.variant("'mlp_bias' is true, expected false: biased feed-forward layers are not supported");
        }
        if (config.flag("attention_bias", false) && !architecture.attentionBias()) {
            // transformers then gives o_proj a bias as well, which no output format here carries.
            throw config.variant("'attention_bias' is true, expected false for " + architecture.className());
        }
    }

    private int rotarySize(Architecture architecture, int headSize) throws MalformedFileException {
        int rotarySize = headSize;
        // transformers 5 moved it into 'rope_parameters', where kinds of layers may have one each.
        for (JsonNode factor : config.json().findValues(PARTIAL_ROTATION)) {
            if (factor.isNull() || factor.asDouble() == 1.0) {
                continue;
            }
            if (!architecture.has(Trait.PARTIAL_ROTARY)) {
                throw config.variant(
                        "'" + PARTIAL_ROTATION + "' is " + factor + ", expected 1 for " + architecture.className()
                                + ": heads of this architecture that turn in part are not computed here");
            }
            if (!factor.isNumber() || !(factor.asDouble() > 0 && factor.asDouble() < 1)) {
                throw config.problem(
                        "'" + PARTIAL_ROTATION + "' is " + factor + ", expected a number above 0, at most 1");
            }
            rotarySize = (int) (headSize * factor.asDouble());
            if (rotarySize < 2 || rotarySize % 2 != 0) {
                throw config.problem("'" + PARTIAL_ROTATION + "' is " + factor + ", so that " + rotarySize + " of "
                        + headSize + " elements of a head turn, expected an even number: rotary pairs");
            }
        }
        return rotarySize;
    }

    private int keyValueHeadCount(Architecture architecture, int headCount) throws MalformedFileException {
        if (!config.present("num_key_value_heads") && architecture.has(Trait.KEY_VALUE_HEADS_OPTIONAL)) {
            return headCount;
        }
        return config.size("num_key_value_heads");
    }

    private int headSize(Architecture architecture, int hiddenSize, int headCount) throws MalformedFileException {
        int headSize;
        if (config.present("head_dim")) {
            headSize = config.size("head_dim");
        } else if (architecture.defaultHeadSize().isPresent()) {
            headSize = architecture.defaultHeadSize().getAsInt();
        } else if (hiddenSize % headCount == 0) {
            headSize = hiddenSize / headCount;
        } else {
            throw config.problem("'hidden_size' is " + hiddenSize + " and 'num_attention_heads' is " + headCount
                    + ", expected the first to be a multiple of the second, or 'head_dim'");
        }
        if (headSize % 2 != 0) {
            throw config.problem("the head size is " + headSize + ", expected an even number: rotary pairs");
        }
        if ((long) headSize * headCount > ConfigJson.LARGEST_SIZE) {
            throw config.problem(
                    headCount + " heads of " + headSize + " are more than " + ConfigJson.LARGEST_SIZE + " rows");
        }
        return headSize;
    }

    private double attentionScale(
            Architecture architecture, int layerCount, int hiddenSize, int headCount, int headSize)
            throws MalformedFileException {
        if (!architecture.has(Trait.QUERY_SCALAR)) {
            return 1 / Math.sqrt(headSize);
        }
        boolean hiddenScaled = architecture.hiddenScaledLayers().equals(OptionalInt.of(layerCount));
        int divisor = hiddenScaled ? hiddenSize / headCount : headSize;
        if (config.present("query_pre_attn_scalar")
                && config.at("query_pre_attn_scalar").asDouble() != divisor) {
            throw config.variant("'query_pre_attn_scalar' is " + config.at("query_pre_attn_scalar") + ", expected "
                    + divisor + ": llama.cpp has no key for another");
        }
        return 1 / Math.sqrt(divisor);
    }

    private OptionalDouble scoreCap(Architecture architecture) throws MalformedFileException {
        if (architecture.has(Trait.SCORE_CAP)) {
            return OptionalDouble.of(config.positive("attn_logit_softcapping"));
        }
        if (config.present("attn_logit_softcapping")) {
            throw config.variant("'attn_logit_softcapping' is " + config.at("attn_logit_softcapping")
                    + ", expected none for " + architecture.className());
        }
        return OptionalDouble.empty();
    }

    private OptionalDouble logitCap(Architecture architecture) throws MalformedFileException {
        if (architecture.has(Trait.SCORE_CAP)) {
            // Where scores are capped llama.cpp caps logits too, at 30 unless a key says otherwise.
            return OptionalDouble.of(config.positive("final_logit_softcapping"));
        }
        if (!architecture.has(Trait.LOGIT_CAP) && config.present("final_logit_softcapping")) {
            throw config.variant("'final_logit_softcapping' is " + config.at("final_logit_softcapping")
                    + ", expected none for " + architecture.className());
        }
        return config.optionalPositive("final_logit_softcapping");
    }

    private Optional<Experts> experts(Architecture architecture) throws MalformedFileException {
        if (architecture.expertKeys().isEmpty()) {
            return Optional.empty();
        }
        Experts.Keys keys = architecture.expertKeys().get();
        boolean renamed = !config.present(keys.count()) && config.present(Experts.COUNT_OF_ALL);
        int count = config.whole(renamed ? Experts.COUNT_OF_ALL : keys.count(), MOST_EXPERTS);
        int perToken = config.whole("num_experts_per_tok", count);
        if (architecture.has(Trait.NORMED_EXPERTS_STATED) && !config.present("norm_topk_prob")) {
            throw config.variant("'norm_topk_prob' is missing, which means false; expected true");
        }
        config.expect("norm_topk_prob", BooleanNode.TRUE, ": the weights of chosen experts are divided by their sum");
        config.expect("decoder_sparse_step", IntNode.valueOf(1), ": every layer has experts");
        if (!config.at("mlp_only_layers").isEmpty()) {
            throw config.variant(
                    "'mlp_only_layers' is " + config.at("mlp_only_layers") + ", expected []: every layer has experts");
        }
        return Optional.of(new Experts(count, perToken, config.size(keys.size())));
    }

    private boolean tiedHead(Architecture architecture) throws MalformedFileException {
        boolean always = architecture.has(Trait.ALWAYS_TIED);
        boolean tied = config.flag("tie_word_embeddings", always || architecture.has(Trait.TIED_BY_DEFAULT));
        if (always && !tied) {
            throw config.variant("'tie_word_embeddings' is false, expected true for " + architecture.className());
        }
        return tied;
    }

    private Optional<String> name() {
        String path = config.at("_name_or_path").asText("");
        String last = path.substring(path.lastIndexOf('/') + 1).strip();
        return last.isEmpty() ? Optional.empty() : Optional.of(last);
    }
}
