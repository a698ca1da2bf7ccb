package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.compressed.StoredFormat.Kind;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Reads the {@code quantization_config} object of a config.json, whoever wrote it; refuses what would change the numbers.
 * Where weights alone are asked for, numbers that a consumer rounds besides them do not count.
 */
final class StoredConfig {
    private static final int LARGEST_BLOCK = 1 << 16;

    /** Keys that change what the weights mean. */
    private static final List<String> BESIDES = List.of("sparsity_config", "transform_config", "moe_sparsity_config");

    /** Keys and values are rounded as they are cached. */
    private static final String CACHE = "kv_cache_scheme";

    private final JsonNode config;
    private final String file;
    private final boolean weightsAlone;

    private StoredConfig(JsonNode config, String file, boolean weightsAlone) {
        this.config = config;
        this.file = file;
        this.weightsAlone = weightsAlone;
    }

    static StoredFormat read(ObjectNode json, String file, boolean weightsAlone) throws MalformedFileException {
        return new StoredConfig(json.path(QuantizationConfig.KEY), file, weightsAlone).read();
    }

    private StoredFormat read() throws MalformedFileException {
        if (!config.path("quant_method").asText("").equals(QuantizationConfig.METHOD)) {
            String found =
                    config.has("quant_method") ? config.path("quant_method").toString() : "missing";
            throw problem("'quant_method' is " + found + ", expected '" + QuantizationConfig.METHOD
                    + "'; take the checkpoint that this model was quantized from");
        }
        for (String key : BESIDES) {
            requireNothing(key);
        }
        if (!weightsAlone) {
            requireNothing(CACHE);
        }
        String format = config.path("format").asText("");
        if (!format.equals(QuantizationConfig.MIXED) && Kind.named(format).isEmpty()) {
            throw problem("'format' is " + config.path("format") + ", expected one of " + Kind.formats() + " or '"
                    + QuantizationConfig.MIXED + "'");
        }
        List<StoredFormat.Group> groups = new ArrayList<>();
        for (Map.Entry<String, JsonNode> group : config.path("config_groups").properties()) {
            groups.add(group(group.getKey(), group.getValue(), format));
        }
        if (groups.isEmpty()) {
            throw problem("'config_groups' is " + config.path("config_groups") + ", expected at least one group");
        }
        return new StoredFormat(List.copyOf(groups), names("ignore", strings("ignore", config.path("ignore"))));
    }

    private void requireNothing(String key) throws MalformedFileException {
        JsonNode value = config.path(key);
        // Older versions describe as "dense" what they have not made sparse.
        boolean nothing = value.isMissingNode()
                || value.isNull()
                || (value.isContainerNode() && value.isEmpty())
                || value.path("format").asText().equals("dense");
        if (!nothing) {
            throw problem("'" + key + "' is " + value + ", expected nothing");
        }
    }

    private StoredFormat.Group group(String name, JsonNode group, String formatOfAll) throws MalformedFileException {
        String format = group.path("format").asText(formatOfAll);
        Kind kind = Kind.named(format)
                .orElseThrow(() ->
                        problem(name + " has format " + group.path("format") + ", expected one of " + Kind.formats()));
        List<String> targets = new ArrayList<>(strings(name + ".targets", group.path("targets")));
        boolean linear = targets.remove(QuantizationConfig.EVERY_LINEAR);
        if (group.hasNonNull("output_activations")) {
            throw problem(name + " has output_activations " + group.path("output_activations") + ", expected none");
        }
        return new StoredFormat.Group(names(name + ".targets", targets), linear, modules(name, group, kind));
    }

    private StoredFormat.Modules modules(String name, JsonNode group, Kind kind) throws MalformedFileException {
        JsonNode weights = group.path("weights");
        Code code = code(name, weights);
        if (!kind.holds(code)) {
            throw problem(name + " has codes of " + code + ", which the format '" + kind.format() + "' does not hold");
        }
        if (!weights.path("symmetric").isBoolean() || weights.path("dynamic").asBoolean(false)) {
            throw problem(name + " has symmetric " + weights.path("symmetric") + " and dynamic "
                    + weights.path("dynamic") + ", expected true or false, and false");
        }
        boolean symmetric = weights.path("symmetric").asBoolean();
        if (!symmetric && kind != Kind.PACKED_INTEGERS) {
            throw problem(name + " has symmetric false, expected true for the format '" + kind.format() + "'");
        }
        String order = weights.path("actorder").asText("null");
        // Other orders are those in which columns were rounded, and left where they were.
        boolean indexed = order.equals("group") || order.equals("dynamic");
        if (indexed && kind != Kind.PACKED_INTEGERS) {
            throw problem(name + " has actorder '" + order + "', expected null, 'weight' or 'static' for the format '"
                    + kind.format() + "'");
        }
        Optional<InputRounding> inputs = group.hasNonNull("input_activations") && !weightsAlone
                ? Optional.of(inputRounding(name, group.path("input_activations")))
                : Optional.empty();
        int size = whole(weights.path("group_size"));
        JsonNode block = weights.path("block_structure");
        String strategy = weights.path("strategy").asText();
        boolean bytes = kind == Kind.FLOATS || kind == Kind.INTEGERS;
        boolean groups = strategy.equals(kind == Kind.NV_FLOATS ? "tensor_group" : "group") && size > 0;
        boolean channel = strategy.equals("channel") && size <= 0 && code != Code.E2M1;
        if (groups || channel) {
            return new StoredFormat.Modules(kind, code, symmetric, 1, Math.max(0, size), indexed && groups, inputs);
        }
        if (strategy.equals("tensor") && size <= 0 && bytes) {
            return new StoredFormat.Modules(kind, code, symmetric, 0, 0, false, inputs);
        }
        if (strategy.equals("block") && size <= 0 && bytes) {
            return new StoredFormat.Modules(
                    kind, code, symmetric, side(name, block, 0), side(name, block, 1), false, inputs);
        }
        throw problem(
                name + " has strategy " + weights.path("strategy") + " and group_size " + weights.path("group_size")
                        + " with the format '" + kind.format()
                        + "', expected \"group\" with a size, or \"channel\" without one;"
                        + " of bytes also \"tensor\" or \"block\"");
    }

    private int side(String name, JsonNode block, int index) throws MalformedFileException {
        int side = whole(block.path(index));
        if (side < 1 || side > LARGEST_BLOCK) {
            throw problem(name + " has block_structure " + block + ", expected sides of 1 to " + LARGEST_BLOCK);
        }
        return side;
    }

    private Code code(String name, JsonNode args) throws MalformedFileException {
        int bits = whole(args.path("num_bits"));
        if (bits != 4 && bits != 8) {
            throw problem("'num_bits' is " + args.path("num_bits") + " in " + name + ", expected 4 or 8");
        }
        return switch (args.path("type").asText()) {
            case "int" -> bits == 4 ? Code.INT4 : Code.INT8;
            case "float" -> bits == 4 ? Code.E2M1 : Code.E4M3;
            default -> throw problem("'type' is " + args.path("type") + " in " + name + ", expected 'int' or 'float'");
        };
    }

    /** Inputs need nothing from the file: their scales are computed as they come. */
    private InputRounding inputRounding(String name, JsonNode inputs) throws MalformedFileException {
        Code code = code(name, inputs);
        int size = whole(inputs.path("group_size"));
        boolean mx = size == 32 && inputs.path("scale_dtype").asText().endsWith("uint8");
        boolean token = inputs.path("strategy").asText().equals("token") && size <= 0;
        boolean group = inputs.path("strategy").asText().equals("group") && size > 0;
        boolean known = code == Code.E2M1 ? group && mx : code != Code.INT4 && (token || (group && !mx));
        if (!known
                || !inputs.path("symmetric").asBoolean()
                || !inputs.path("dynamic").isBoolean()
                || !inputs.path("dynamic").asBoolean()) {
            throw problem(name + " has input_activations " + inputs
                    + ", expected none, or 8 bits, symmetric, dynamic, by" + " token or group, or MXFP4's");
        }
        return new DynamicRounding(code, Math.max(0, size));
    }

    /** 0 where there is none; a number that no int holds is the largest, and not what is left of it. */
    private static int whole(JsonNode number) {
        return (int) number.asDouble();
    }

    private List<String> strings(String key, JsonNode array) throws MalformedFileException {
        List<String> strings = new ArrayList<>();
        for (JsonNode entry : array) {
            if (!entry.isTextual()) {
                throw problem("'" + key + "' has " + entry + ", expected names of modules or patterns");
            }
            strings.add(entry.asText());
        }
        return strings;
    }

    private ModuleNames names(String key, List<String> listed) throws MalformedFileException {
        try {
            return new ModuleNames(listed);
        } catch (IllegalArgumentException problem) {
            throw problem("'" + key + "' has " + problem.getMessage());
        }
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, what);
    }
}
