package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.GroupFormat;

/** The {@code quantization_config} object of a config.json, with the fields that every version of a consumer knows. */
final class QuantizationConfig {
    static final String KEY = "quantization_config";
    static final String WEIGHT_PACKED = ".weight_packed";
    static final String WEIGHT_SCALE = ".weight_scale";
    static final String WEIGHT_SHAPE = ".weight_shape";

    private static final String METHOD = "compressed-tensors";
    private static final String FORMAT = "pack-quantized";
    private static final String FORMAT_VERSION = "0.12.2";

    private QuantizationConfig() {}

    static ObjectNode of(CompressedScheme scheme) {
        ObjectNode config = StrictJson.object();
        config.put("quant_method", METHOD);
        config.put("version", FORMAT_VERSION);
        config.put("format", FORMAT);
        config.put("quantization_status", "compressed");
        ObjectNode group = config.putObject("config_groups").putObject("group_0");
        group.putArray("targets").add("Linear");
        ObjectNode weights = group.putObject("weights");
        weights.put("num_bits", scheme.bits());
        weights.put("type", "int");
        weights.put("symmetric", true);
        weights.put("group_size", GroupFormat.GROUP);
        weights.put("strategy", "group");
        weights.putNull("block_structure");
        weights.put("dynamic", false);
        weights.putNull("actorder");
        weights.put("observer", "minmax");
        weights.putObject("observer_kwargs");
        group.putNull("input_activations");
        group.putNull("output_activations");
        config.putArray("ignore").add("lm_head");
        config.putNull("kv_cache_scheme");
        config.putNull("global_compression_ratio");
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        return config;
    }

    /** The scheme that a config.json states; refused unless it is one that {@link #of} writes. */
    static CompressedScheme read(ObjectNode config, String file) throws MalformedFileException {
        JsonNode found = config.path(KEY);
        require(found.path("quant_method"), METHOD, "quant_method", file);
        require(found.path("format"), FORMAT, "format", file);
        if (found.path("config_groups").size() != 1 || !(found.path("ignore") instanceof ArrayNode ignore)) {
            throw new MalformedFileException(
                    file, -1, "'" + KEY + "' has no list 'ignore' or not one group, expected group_0 only");
        }
        if (ignore.size() != 1 || !ignore.get(0).asText().equals("lm_head")) {
            throw new MalformedFileException(file, -1, "'ignore' is " + ignore + ", expected [\"lm_head\"]");
        }
        JsonNode group = found.path("config_groups").path("group_0");
        if (group.path("targets").size() != 1
                || !group.path("targets").get(0).asText().equals("Linear")
                || group.hasNonNull("input_activations")) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "group_0 targets " + group.path("targets") + ", expected [\"Linear\"] without input_activations");
        }
        JsonNode weights = group.path("weights");
        require(weights.path("type"), "int", "type", file);
        require(weights.path("strategy"), "group", "strategy", file);
        if (!weights.path("symmetric").asBoolean(false)
                || weights.path("group_size").asInt() != GroupFormat.GROUP) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "group_0 has symmetric " + weights.path("symmetric") + " and group_size "
                            + weights.path("group_size") + ", expected true and " + GroupFormat.GROUP);
        }
        for (CompressedScheme scheme : CompressedScheme.values()) {
            if (weights.path("num_bits").asInt() == scheme.bits()) {
                return scheme;
            }
        }
        throw new MalformedFileException(file, -1, "'num_bits' is " + weights.path("num_bits") + ", expected 4 or 8");
    }

    private static void require(JsonNode found, String expected, String key, String file)
            throws MalformedFileException {
        if (!found.asText("").equals(expected)) {
            throw new MalformedFileException(file, -1, "'" + key + "' is " + found + ", expected '" + expected + "'");
        }
    }
}
