package io.millrace.tensors.inspection;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.literature.LiteratureWeights;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.inspection.Inspection.Metadata;
import io.millrace.tensors.inspection.Inspection.Tensor;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Shows a safetensors file, or a folder of them with its configuration. */
final class SafetensorsInspection {
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;

    private SafetensorsInspection() {}

    static Inspection ofFile(Path file) throws IOException {
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
            List<TensorSpec> tensors = reader.tensors();
            return new Inspection(
                    "safetensors",
                    Optional.empty(),
                    dense(tensors),
                    bytes(tensors),
                    Files.size(file),
                    Optional.empty(),
                    texts(reader.metadata()),
                    shown(tensors));
        }
    }

    static Inspection ofFolder(Path folder) throws IOException {
        try (SafetensorsFolder reader = SafetensorsFolder.open(folder)) {
            List<TensorSpec> tensors = new ArrayList<>(reader.tensors());
            ObjectNode config = Files.exists(folder.resolve(ModelFolder.CONFIG))
                    ? StrictJson.readFile(ModelFolder.config(folder), CONFIG_LIMIT_BYTES)
                    : StrictJson.object();
            List<Metadata> metadata = new ArrayList<>(texts(reader.metadata()));
            flatten("", config, metadata);
            Optional<Long> parameters = Optional.empty();
            Optional<String> notReadable = Optional.empty();
            try (WeightSource weights = ModelFormats.open(folder)) {
                parameters = Optional.of(weights.tensors().stream()
                        .mapToLong(tensor -> tensor.shape().elements())
                        .sum());
                if (weights instanceof LiteratureWeights literature) {
                    tensors.addAll(literature.codes());
                }
            } catch (MalformedFileException e) {
                notReadable = Optional.of(String.valueOf(e.getMessage()));
            }
            return new Inspection(
                    format(config),
                    architecture(config),
                    parameters.or(() -> dense(tensors)),
                    bytes(tensors),
                    fileBytes(folder),
                    notReadable,
                    metadata,
                    shown(tensors));
        }
    }

    private static String format(ObjectNode config) {
        JsonNode quantization = config.path("quantization_config");
        if (quantization.isMissingNode()) {
            JsonNode literature = config.path(ModelConfig.LITERATURE_SCHEME);
            return literature.isMissingNode()
                    ? "Hugging Face folder"
                    : "Hugging Face folder with codes ("
                            + literature.path("scheme").asText("unknown scheme") + ")";
        }
        String method = quantization.path("quant_method").asText("unknown method");
        String layout = quantization.path("format").asText("");
        return method + " folder" + (layout.isEmpty() ? "" : " (" + layout + ")");
    }

    private static Optional<String> architecture(ObjectNode config) {
        JsonNode name = config.path("architectures").path(0);
        return name.isTextual() ? Optional.of(name.asText()) : Optional.empty();
    }

    /** Weights, if each tensor holds nothing else: integers are codes, which need what belongs to them. */
    private static Optional<Long> dense(List<TensorSpec> tensors) {
        long parameters = 0;
        for (TensorSpec tensor : tensors) {
            if (!type(tensor).isWeight()) {
                return Optional.empty();
            }
            parameters += tensor.shape().elements();
        }
        return Optional.of(parameters);
    }

    private static long bytes(List<TensorSpec> tensors) {
        return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }

    private static long fileBytes(Path folder) throws IOException {
        long bytes = 0;
        try (var files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    private static List<Tensor> shown(List<TensorSpec> tensors) {
        return tensors.stream()
                .map(tensor ->
                        new Tensor(tensor.name(), tensor.shape(), type(tensor).name(), tensor.byteSize()))
                .toList();
    }

    private static DType type(TensorSpec tensor) {
        return switch (tensor.encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    private static List<Metadata> texts(Map<String, String> metadata) {
        List<Metadata> entries = new ArrayList<>();
        new TreeMap<>(metadata)
                .forEach((key, value) -> entries.add(new Metadata(key, "text", value, Optional.empty())));
        return entries;
    }

    /** The configuration's values under dotted keys; a list is one value. */
    private static void flatten(String prefix, JsonNode object, List<Metadata> entries) {
        for (Map.Entry<String, JsonNode> field : object.properties()) {
            String key = prefix + field.getKey();
            JsonNode value = field.getValue();
            if (value.isObject() && !value.isEmpty()) {
                flatten(key + ".", value, entries);
            } else if (!value.isNull()) {
                entries.add(entry(key, value));
            }
        }
    }

    private static Metadata entry(String key, JsonNode value) {
        Object plain;
        if (value.isTextual()) {
            plain = value.asText();
        } else if (value.isBoolean()) {
            plain = value.asBoolean();
        } else if (value.isNumber()) {
            plain = value.numberValue();
        } else {
            plain = value.toString();
        }
        Optional<Long> items = value.isArray() ? Optional.of((long) value.size()) : Optional.empty();
        return new Metadata(key, value.getNodeType().name().toLowerCase(Locale.ROOT), plain, items);
    }
}
