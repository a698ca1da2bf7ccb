package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.GroupFormat;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The {@code quantization_config} object of a config.json: the fields that compressed-tensors itself writes, less those
 * that came later and change nothing here ({@code format} of a group, {@code moe_sparsity_config}). Versions 0.9.4,
 * 0.12.2 and 0.20.0 of the library read it.
 */
final class QuantizationConfig {
    static final String KEY = "quantization_config";
    static final String WEIGHT = ".weight";
    static final String WEIGHT_PACKED = ".weight_packed";
    static final String WEIGHT_SCALE = ".weight_scale";
    static final String WEIGHT_SHAPE = ".weight_shape";
    static final String WEIGHT_ZERO_POINT = ".weight_zero_point";

    /** The module of the output head. */
    static final String HEAD = "lm_head";

    private static final String METHOD = "compressed-tensors";
    /** The formats that are read and written, and what holds their codes. */
    private static final Map<String, DType> CODE_TYPES =
            Map.of("pack-quantized", DType.I32, "float-quantized", DType.F8_E4M3, "int-quantized", DType.I8);

    /** Keys that change what the weights mean, or what is rounded besides them. */
    private static final List<String> BESIDES =
            List.of("kv_cache_scheme", "sparsity_config", "transform_config", "moe_sparsity_config");

    /** A version of the library that knows all of this; no consumer decides by it. */
    private static final String FORMAT_VERSION = "0.12.2";

    private QuantizationConfig() {}

    /** @param ignored linear modules that stay dense */
    static ObjectNode of(CompressedScheme scheme, List<String> ignored) {
        ObjectNode config = StrictJson.object();
        config.put("quant_method", METHOD);
        config.put("version", FORMAT_VERSION);
        config.put("format", format(scheme.codeType()));
        config.put("quantization_status", "compressed");
        ObjectNode group = config.putObject("config_groups").putObject("group_0");
        group.putArray("targets").add("Linear");
        ObjectNode weights = group.putObject("weights");
        weights.put("num_bits", scheme.bits());
        weights.put("type", type(scheme.codeType()));
        weights.put("symmetric", scheme.symmetric());
        if (scheme.roundsInputs()) {
            weights.putNull("group_size");
            weights.put("strategy", "channel");
        } else {
            weights.put("group_size", GroupFormat.GROUP);
            weights.put("strategy", "group");
        }
        weights.put("dynamic", false);
        if (scheme.roundsInputs()) {
            ObjectNode inputs = group.putObject("input_activations");
            inputs.put("num_bits", scheme.bits());
            inputs.put("type", type(scheme.codeType()));
            inputs.put("symmetric", true);
            inputs.putNull("group_size");
            inputs.put("strategy", "token");
            inputs.put("dynamic", true);
        } else {
            group.putNull("input_activations");
        }
        group.putNull("output_activations");
        ignored.forEach(config.putArray("ignore")::add);
        config.putNull("kv_cache_scheme");
        config.putNull("global_compression_ratio");
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        return config;
    }

    private static String format(DType codeType) {
        return CODE_TYPES.entrySet().stream()
                .filter(entry -> entry.getValue() == codeType)
                .map(Map.Entry::getKey)
                .findFirst()
                .orElseThrow();
    }

    private static String type(DType codeType) {
        return codeType == DType.F8_E4M3 ? "float" : "int";
    }

    /**
     * What a config.json says about its modules; refused unless all have one kind of codes, and inputs are rounded token
     * by token when the model runs or not at all.
     */
    static StoredFormat read(ObjectNode config, String file) throws MalformedFileException {
        JsonNode found = config.path(KEY);
        require(found.path("quant_method"), METHOD, "quant_method", file);
        DType codeType = CODE_TYPES.get(found.path("format").asText(""));
        if (codeType == null) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "'format' is " + found.path("format") + ", expected one of " + new TreeSet<>(CODE_TYPES.keySet()));
        }
        for (String key : BESIDES) {
            JsonNode value = found.path(key);
            boolean nothing = value.isMissingNode() || value.isNull() || (value.isContainerNode() && value.isEmpty());
            if (!nothing) {
                throw new MalformedFileException(file, -1, "'" + key + "' is " + value + ", expected nothing");
            }
        }
        JsonNode group = found.path("config_groups").path("group_0");
        if (found.path("config_groups").size() != 1 || group.isMissingNode()) {
            throw new MalformedFileException(
                    file, -1, "'config_groups' is " + found.path("config_groups") + ", expected group_0 only");
        }
        if (group.path("targets").size() != 1
                || !group.path("targets").get(0).asText().equals("Linear")
                || (group.hasNonNull("input_activations") && !roundedByToken(group.path("input_activations"), codeType))
                || group.hasNonNull("output_activations")) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "group_0 targets " + group.path("targets")
                            + ", expected [\"Linear\"] without output_activations and "
                            + (codeType == DType.I32
                                    ? "without input_activations"
                                    : "with input_activations of 8 bits, symmetric, dynamic, by token, or none")
                            + ", found " + group.path("input_activations"));
        }
        JsonNode weights = group.path("weights");
        require(weights.path("type"), type(codeType), "type", file);
        int bits = weights.path("num_bits").asInt();
        if (bits != 4 && bits != 8) {
            throw new MalformedFileException(
                    file, -1, "'num_bits' is " + weights.path("num_bits") + ", expected 4 or 8");
        }
        if (!weights.path("symmetric").isBoolean() || weights.path("dynamic").asBoolean(false)) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "group_0 has symmetric " + weights.path("symmetric") + " and dynamic " + weights.path("dynamic")
                            + ", expected true or false, and false");
        }
        if (codeType != DType.I32
                && (bits != 8
                        || !weights.path("symmetric").asBoolean()
                        || !weights.path("strategy").asText().equals("channel"))) {
            throw new MalformedFileException(
                    file, -1, "group_0 has weights " + weights + ", expected 8 bits, symmetric, by channel");
        }
        String order = weights.path("actorder").asText("null");
        if (order.equals("group") || order.equals("dynamic")) {
            throw new MalformedFileException(
                    file, -1, "'actorder' is '" + order + "', expected null or 'weight': columns in their own order");
        }
        return new StoredFormat(
                codeType,
                bits,
                weights.path("symmetric").asBoolean(),
                groupSize(weights, file),
                group.hasNonNull("input_activations")
                        ? Optional.of(new InputRounding(codeType == DType.I8 ? Code.INT8 : Code.E4M3, 0))
                        : Optional.empty(),
                ignored(found, file));
    }

    /** Whether inputs need nothing from the file: their scales are computed as they come. */
    private static boolean roundedByToken(JsonNode inputs, DType codeType) {
        return codeType != DType.I32
                && inputs.path("num_bits").asInt() == 8
                && inputs.path("type").asText().equals(type(codeType))
                && inputs.path("symmetric").asBoolean()
                && inputs.path("strategy").asText().equals("token")
                && inputs.path("dynamic").asBoolean();
    }

    private static int groupSize(JsonNode weights, String file) throws MalformedFileException {
        int size = weights.path("group_size").asInt(0);
        boolean groups = weights.path("strategy").asText().equals("group") && size > 0;
        boolean channels = weights.path("strategy").asText().equals("channel") && size <= 0;
        if (!groups && !channels) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "group_0 has strategy " + weights.path("strategy") + " and group_size " + weights.path("group_size")
                            + ", expected \"group\" with a size, or \"channel\" without one");
        }
        return Math.max(0, size);
    }

    private static Set<String> ignored(JsonNode config, String file) throws MalformedFileException {
        Set<String> modules = new HashSet<>();
        for (JsonNode module : config.path("ignore")) {
            String name = module.asText();
            if (name.startsWith("re:")) {
                // A pattern from outside may take forever; the library itself writes names.
                throw new MalformedFileException(
                        file, -1, "'ignore' has the pattern '" + name + "', expected names of modules");
            }
            modules.add(name);
        }
        return modules;
    }

    private static void require(JsonNode found, String expected, String key, String file)
            throws MalformedFileException {
        if (!found.asText("").equals(expected)) {
            throw new MalformedFileException(file, -1, "'" + key + "' is " + found + ", expected '" + expected + "'");
        }
    }
}
