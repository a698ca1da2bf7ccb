package io.millrace.tensors.format.literature;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.literature.CodeRange;
import io.millrace.tensors.kernel.literature.UniformInputs;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A scheme in a config.json, under a key that loaders of dense folders do not know and pass over.
 *
 * <pre>
 * "literature_scheme": {
 *   "version": 1,
 *   "scheme": "uniform",                  or "binary", "ternary"
 *   "bits": 8,                            uniform alone
 *   "levels": 127.0,                      Q of round(w * Q); absent if it fits each matrix
 *   "threshold": 0.7,                     ternary alone
 *   "inputs": {"bits": 8, "levels": 16.0},   absent if inputs stay as they are; levels absent if fitted
 *   "codes": {"folder": "codes", "bits": 8, "lowest": -127, "step": 1}
 * }
 * </pre>
 */
final class SchemeJson {
    static final String KEY = ModelConfig.LITERATURE_SCHEME;

    /** Beside config.json: the safetensors with codes and scales. */
    static final String CODES = "codes";

    private static final int VERSION = 1;

    private final JsonNode json;
    private final String file;

    private SchemeJson(JsonNode json, String file) {
        this.json = json;
        this.file = file;
    }

    static ObjectNode of(LiteratureScheme scheme) {
        ObjectNode json = StrictJson.object();
        json.put("version", VERSION);
        json.put("scheme", scheme.weights().name());
        switch (scheme.weights()) {
            case LiteratureScheme.Uniform(int bits, OptionalDouble levels) -> grid(bits, levels, json);
            case LiteratureScheme.Binary() -> {}
            case LiteratureScheme.Ternary(double threshold) -> json.put("threshold", threshold);
        }
        scheme.inputs().ifPresent(inputs -> grid(inputs.bits(), inputs.levels(), json.putObject("inputs")));
        CodeRange range = scheme.weights().rounding().range();
        ObjectNode codes = json.putObject("codes");
        codes.put("folder", CODES).put("bits", range.bits()).put("lowest", range.lowest());
        codes.put("step", range.step());
        return json;
    }

    private static void grid(int bits, OptionalDouble levels, ObjectNode json) {
        json.put("bits", bits);
        levels.ifPresent(given -> json.put("levels", given));
    }

    /** What a config.json says; it has the key. */
    static LiteratureScheme read(ObjectNode config, String file) throws MalformedFileException {
        return new SchemeJson(config.path(KEY), file).read();
    }

    private LiteratureScheme read() throws MalformedFileException {
        if (json.path("version").asDouble() != VERSION) {
            throw problem("'version' is " + json.path("version") + ", expected " + VERSION
                    + "; a newer Millrace may read it");
        }
        try {
            JsonNode inputs = json.path("inputs");
            return new LiteratureScheme(
                    weights(),
                    inputs.isMissingNode()
                            ? Optional.empty()
                            : Optional.of(new UniformInputs(bits(inputs), levels(inputs))));
        } catch (IllegalArgumentException wrong) {
            throw problem(String.valueOf(wrong.getMessage()));
        }
    }

    private LiteratureScheme.Weights weights() throws MalformedFileException {
        return switch (json.path("scheme").asText()) {
            case "uniform" -> new LiteratureScheme.Uniform(bits(json), levels(json));
            case "binary" -> new LiteratureScheme.Binary();
            case "ternary" ->
                new LiteratureScheme.Ternary(json.path("threshold").asDouble(Double.NaN));
            default ->
                throw problem("'scheme' is " + json.path("scheme") + ", expected \"uniform\", \"binary\" or"
                        + " \"ternary\"");
        };
    }

    private static int bits(JsonNode grid) {
        return (int) grid.path("bits").asDouble();
    }

    private static OptionalDouble levels(JsonNode grid) {
        JsonNode levels = grid.path("levels");
        return levels.isMissingNode() ? OptionalDouble.empty() : OptionalDouble.of(levels.asDouble(Double.NaN));
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, "'" + KEY + "': " + what);
    }
}
