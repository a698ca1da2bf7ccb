package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import java.util.List;
import java.util.OptionalInt;

/** How attention divides into heads, and how much of a head turns. */
final class HeadParser {
    static final String PARTIAL_ROTATION = "partial_rotary_factor";

    private static final String QUERY_SCALAR = "query_pre_attn_scalar";

    /** What transformers takes where nothing is stated, whatever the size of a head. */
    private static final int DEFAULT_QUERY_SCALAR = 256;

    private final ConfigJson config;
    private final Architecture architecture;
    private final int hiddenSize;
    private final int headCount;

    HeadParser(ConfigJson config, Architecture architecture, int hiddenSize, int headCount) {
        this.config = config;
        this.architecture = architecture;
        this.hiddenSize = hiddenSize;
        this.headCount = headCount;
    }

    int keyValueHeadCount() throws MalformedFileException {
        int keyValueHeadCount = statedKeyValueHeads();
        if (headCount % keyValueHeadCount != 0) {
            throw config.problem("'num_attention_heads' is " + headCount + " and 'num_key_value_heads' is "
                    + keyValueHeadCount + ", expected the first to be a multiple of the second");
        }
        return keyValueHeadCount;
    }

    private int statedKeyValueHeads() throws MalformedFileException {
        if (!config.present("num_key_value_heads") && architecture.has(Trait.KEY_VALUE_HEADS_OPTIONAL)) {
            return headCount;
        }
        return config.size("num_key_value_heads");
    }

    int headSize() throws MalformedFileException {
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

    int rotarySize(int headSize) throws MalformedFileException {
        int rotarySize = headSize;
        // transformers 5 moved it into 'rope_parameters', where kinds of layers may have one each.
        List<JsonNode> factors = config.json().findValues(PARTIAL_ROTATION).stream()
                .filter(factor -> !factor.isNull())
                .toList();
        if (factors.stream().mapToDouble(JsonNode::asDouble).distinct().count() > 1) {
            throw config.unknown("'" + PARTIAL_ROTATION + "' is " + factors
                    + " in one place and another, expected the same: versions of transformers differ in which they take;"
                    + " keep the one that the model was trained with");
        }
        for (JsonNode factor : factors) {
            if (factor.asDouble() == 1.0) {
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

    double attentionScale(int layerCount, int headSize) throws MalformedFileException {
        if (!architecture.has(Trait.QUERY_SCALAR)) {
            return 1 / Math.sqrt(headSize);
        }
        boolean hiddenScaled = architecture.hiddenScaledLayers().equals(OptionalInt.of(layerCount));
        int divisor = hiddenScaled ? hiddenSize / headCount : headSize;
        boolean stated = config.present(QUERY_SCALAR);
        if ((stated ? config.at(QUERY_SCALAR).asDouble() : DEFAULT_QUERY_SCALAR) != divisor) {
            throw config.variant("'" + QUERY_SCALAR + "' is "
                    + (stated ? config.at(QUERY_SCALAR) : "missing, which means " + DEFAULT_QUERY_SCALAR)
                    + ", expected " + divisor + ": llama.cpp has no key for another");
        }
        return 1 / Math.sqrt(divisor);
    }
}
