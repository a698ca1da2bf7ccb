package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.architecture.ModelConfig.Family;
import io.millrace.tensors.architecture.ModelConfig.RopeScaling;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Turns the content of a config.json into a {@link ModelConfig}, and refuses by name whatever our forward pass and
 * formats would silently get wrong. Defaults are those of the transformers classes, used only where all versions agree.
 */
final class ConfigParser {
    static final long LIMIT_BYTES = 16L << 20;

    // Far beyond any model of these families; they keep products of two sizes inside a long and lists inside memory.
    private static final int MOST_LAYERS = 4096;
    private static final int LARGEST_SIZE = 1 << 26;

    private static final List<String> TORCH_DTYPES = List.of("float32", "float16", "bfloat16");

    private final ObjectNode json;
    private final String file;

    ConfigParser(ObjectNode json, String file) {
        this.json = json;
        this.file = file;
    }

    ModelConfig parse() throws MalformedFileException {
        if (present("quantization_config")) {
            throw new MalformedFileException(
                    Kind.ALREADY_QUANTIZED,
                    file,
                    "found 'quantization_config': this checkpoint is already quantized, and quantizing twice only"
                            + " adds error; expected the dense original");
        }
        Architecture architecture = architecture();
        checkTorchDtype();
        refuseVariants(architecture);

        int hiddenSize = size("hidden_size", LARGEST_SIZE);
        int headCount = size("num_attention_heads", LARGEST_SIZE);
        int keyValueHeadCount = keyValueHeadCount(architecture, headCount);
        if (headCount % keyValueHeadCount != 0) {
            throw problem("'num_attention_heads' is " + headCount + " and 'num_key_value_heads' is " + keyValueHeadCount
                    + ", expected the first to be a multiple of the second");
        }
        int headSize = headSize(hiddenSize, headCount);
        int maxPositions = size("max_position_embeddings", Integer.MAX_VALUE);
        return new ModelConfig(
                architecture.family(),
                name(architecture),
                size("vocab_size", LARGEST_SIZE),
                hiddenSize,
                size("intermediate_size", LARGEST_SIZE),
                size("num_hidden_layers", MOST_LAYERS),
                headCount,
                keyValueHeadCount,
                headSize,
                maxPositions,
                positive(json, "rms_norm_eps"),
                ropeTheta(),
                ropeScaling(),
                slidingWindow(architecture),
                architecture.attentionBias(),
                flag("tie_word_embeddings", false),
                json);
    }

    private Architecture architecture() throws MalformedFileException {
        JsonNode classes = json.path("architectures");
        if (present("architectures")
                && !(classes.isArray() && classes.size() == 1 && classes.get(0).isTextual())) {
            throw problem("'architectures' is " + classes + ", expected a list of one name");
        }
        String className = classes.path(0).asText("");
        String modelType = present("model_type") ? text("model_type") : "";
        for (Architecture architecture : Architecture.known()) {
            boolean sameClass = className.isEmpty() || architecture.className().equals(className);
            boolean sameType = modelType.isEmpty() || architecture.modelType().equals(modelType);
            if (sameClass && sameType && !(className.isEmpty() && modelType.isEmpty())) {
                return architecture;
            }
        }
        String known = Architecture.known().stream()
                .map(architecture -> architecture.className() + " (" + architecture.modelType() + ")")
                .collect(Collectors.joining(", "));
        throw new MalformedFileException(
                Kind.UNKNOWN_ARCHITECTURE,
                file,
                "found architecture '" + className + "' with model_type '" + modelType + "', expected one of " + known);
    }

    private void checkTorchDtype() throws MalformedFileException {
        for (String key : List.of("torch_dtype", "dtype")) {
            if (present(key) && !TORCH_DTYPES.contains(text(key))) {
                throw problem("'" + key + "' is '" + text(key) + "', expected one of " + TORCH_DTYPES);
            }
        }
    }

    private void refuseVariants(Architecture architecture) throws MalformedFileException {
        if (present("hidden_act") && !text("hidden_act").equals("silu")) {
            throw variant("'hidden_act' is '" + text("hidden_act") + "', expected 'silu'");
        }
        if (flag("mlp_bias", false)) {
            throw variant("'mlp_bias' is true, expected false: biased feed-forward layers are not supported");
        }
        if (flag("attention_bias", false) && architecture.family() != Family.QWEN2) {
            // transformers then gives o_proj a bias as well, which no output format here carries.
            throw variant("'attention_bias' is true, expected false for " + architecture.className());
        }
        if (present("partial_rotary_factor")
                && json.get("partial_rotary_factor").asDouble() != 1.0) {
            throw variant("'partial_rotary_factor' is " + json.get("partial_rotary_factor") + ", expected 1");
        }
    }

    private int keyValueHeadCount(Architecture architecture, int headCount) throws MalformedFileException {
        if (!present("num_key_value_heads") && architecture.family() == Family.LLAMA) {
            return headCount;
        }
        return size("num_key_value_heads", LARGEST_SIZE);
    }

    private int headSize(int hiddenSize, int headCount) throws MalformedFileException {
        int headSize;
        if (present("head_dim")) {
            headSize = size("head_dim", LARGEST_SIZE);
        } else if (hiddenSize % headCount == 0) {
            headSize = hiddenSize / headCount;
        } else {
            throw problem("'hidden_size' is " + hiddenSize + " and 'num_attention_heads' is " + headCount
                    + ", expected the first to be a multiple of the second, or 'head_dim'");
        }
        if (headSize % 2 != 0) {
            throw problem("the head size is " + headSize + ", expected an even number: rotary pairs");
        }
        if ((long) headSize * headCount > LARGEST_SIZE) {
            throw problem(headCount + " heads of " + headSize + " are more than " + LARGEST_SIZE + " rows");
        }
        return headSize;
    }

    /** transformers 5 moved theta and scaling into one object, {@code rope_parameters}. */
    private Optional<ObjectNode> rope(String key) throws MalformedFileException {
        if (!present(key)) {
            return Optional.empty();
        }
        if (json.get(key) instanceof ObjectNode rope) {
            return Optional.of(rope);
        }
        throw problem("'" + key + "' is " + json.get(key) + ", expected null or an object");
    }

    private double ropeTheta() throws MalformedFileException {
        Optional<ObjectNode> parameters = rope("rope_parameters");
        if (parameters.isPresent() && parameters.get().has("rope_theta")) {
            return positive(parameters.get(), "rope_theta");
        }
        return present("rope_theta") ? positive(json, "rope_theta") : 10_000;
    }

    private Optional<RopeScaling> ropeScaling() throws MalformedFileException {
        Optional<ObjectNode> found = rope("rope_scaling");
        if (found.isEmpty()) {
            found = rope("rope_parameters");
        }
        if (found.isEmpty()) {
            return Optional.empty();
        }
        ObjectNode scaling = found.get();
        String kind = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
        return switch (kind) {
            case "default" -> Optional.empty();
            case "llama3" -> {
                double low = positive(scaling, "low_freq_factor");
                double high = positive(scaling, "high_freq_factor");
                if (low >= high) {
                    throw problem("'low_freq_factor' is " + low + ", expected less than 'high_freq_factor' " + high);
                }
                yield Optional.of(new RopeScaling(
                        positive(scaling, "factor"),
                        low,
                        high,
                        whole(scaling, "original_max_position_embeddings", Integer.MAX_VALUE)));
            }
            default -> throw variant("rope scaling '" + kind + "' is not supported, expected 'llama3' or none");
        };
    }

    private OptionalInt slidingWindow(Architecture architecture) throws MalformedFileException {
        boolean windowed = switch (architecture.family()) {
            case LLAMA -> false;
            case MISTRAL -> true;
            case QWEN2 -> flag("use_sliding_window", false);
        };
        if (!windowed || !present("sliding_window")) {
            return OptionalInt.empty();
        }
        int window = size("sliding_window", Integer.MAX_VALUE);
        if (architecture.family() == Family.QWEN2) {
            int firstWindowed = json.path("max_window_layers").asInt(-1);
            if (firstWindowed >= json.path("num_hidden_layers").asInt()) {
                return OptionalInt.empty();
            }
            if (firstWindowed != 0) {
                throw variant("'max_window_layers' is " + json.path("max_window_layers")
                        + ", expected 0 or at least 'num_hidden_layers': a window in some layers only is not"
                        + " supported");
            }
        }
        return OptionalInt.of(window);
    }

    private String name(Architecture architecture) {
        String path = json.path("_name_or_path").asText("");
        String last = path.substring(path.lastIndexOf('/') + 1).strip();
        return last.isEmpty() ? architecture.modelType().toLowerCase(Locale.ROOT) : last;
    }

    private boolean present(String key) {
        return json.hasNonNull(key);
    }

    private String text(String key) throws MalformedFileException {
        if (!json.path(key).isTextual()) {
            throw problem("'" + key + "' is " + json.path(key) + ", expected a text");
        }
        return json.get(key).asText();
    }

    private boolean flag(String key, boolean absent) throws MalformedFileException {
        if (!present(key)) {
            return absent;
        }
        if (!json.get(key).isBoolean()) {
            throw problem("'" + key + "' is " + json.get(key) + ", expected true or false");
        }
        return json.get(key).asBoolean();
    }

    private int size(String key, int largest) throws MalformedFileException {
        return whole(json, key, largest);
    }

    private int whole(ObjectNode where, String key, int largest) throws MalformedFileException {
        JsonNode value = required(where, key);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1 || value.asInt() > largest) {
            throw problem("'" + key + "' is " + value + ", expected a whole number from 1 to " + largest);
        }
        return value.asInt();
    }

    private double positive(ObjectNode where, String key) throws MalformedFileException {
        JsonNode value = required(where, key);
        if (!value.isNumber() || !(value.asDouble() > 0) || !Double.isFinite(value.asDouble())) {
            throw problem("'" + key + "' is " + value + ", expected a number above 0");
        }
        return value.asDouble();
    }

    private JsonNode required(ObjectNode where, String key) throws MalformedFileException {
        if (!where.hasNonNull(key)) {
            throw problem("'" + key + "' is missing");
        }
        return where.get(key);
    }

    /** The config is sound, and means a model that nothing here computes. */
    private MalformedFileException variant(String what) {
        return new MalformedFileException(Kind.UNKNOWN_ARCHITECTURE, file, what);
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, what);
    }
}
