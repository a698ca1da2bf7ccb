package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * Turns the content of a config.json into a {@link ModelConfig}, and refuses by name whatever our forward pass and
 * formats would silently get wrong. Defaults are those of the transformers classes, used only where all versions agree.
 */
final class ConfigParser {
    static final long LIMIT_BYTES = 16L << 20;

    private static final int MOST_LAYERS = 4096;

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
        Architecture architecture = ArchitectureParser.parse(config);
        checkTorchDtype();
        refuseVariants(architecture);

        int hiddenSize = config.size("hidden_size");
        int headCount = config.size("num_attention_heads");
        HeadParser heads = new HeadParser(config, architecture, hiddenSize, headCount);
        int keyValueHeadCount = heads.keyValueHeadCount();
        int headSize = heads.headSize();
        int layerCount = config.whole("num_hidden_layers", MOST_LAYERS);
        int maxPositions = config.whole("max_position_embeddings", Integer.MAX_VALUE);
        int rotarySize = heads.rotarySize(headSize);
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
                heads.attentionScale(layerCount, headSize),
                common.base(),
                common.scaling(),
                slidingWindow,
                layers.attention(slidingWindow, common, rotary.local(common)),
                scoreCap(architecture),
                logitCap(architecture),
                ExpertsParser.parse(config, architecture),
                tiedHead(architecture),
                config.json(),
                multimodal);
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
