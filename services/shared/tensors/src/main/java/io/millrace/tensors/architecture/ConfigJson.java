package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import java.util.Optional;
import java.util.OptionalDouble;

/** An object of a config.json whose values are checked as they are read; null counts as absent. */
record ConfigJson(ObjectNode json, String file) {
    /** Far beyond any model of these families; it keeps products of two sizes inside a long. */
    static final int LARGEST_SIZE = 1 << 26;

    boolean present(String key) {
        return json.hasNonNull(key);
    }

    JsonNode at(String key) {
        return json.path(key);
    }

    Optional<ConfigJson> object(String key) throws MalformedFileException {
        if (!present(key)) {
            return Optional.empty();
        }
        if (json.get(key) instanceof ObjectNode object) {
            return Optional.of(new ConfigJson(object, file));
        }
        throw problem("'" + key + "' is " + json.get(key) + ", expected null or an object");
    }

    String text(String key) throws MalformedFileException {
        if (!json.path(key).isTextual()) {
            throw problem("'" + key + "' is " + json.path(key) + ", expected a text");
        }
        return json.get(key).asText();
    }

    boolean flag(String key, boolean absent) throws MalformedFileException {
        if (!present(key)) {
            return absent;
        }
        if (!json.get(key).isBoolean()) {
            throw problem("'" + key + "' is " + json.get(key) + ", expected true or false");
        }
        return json.get(key).asBoolean();
    }

    int size(String key) throws MalformedFileException {
        return whole(key, LARGEST_SIZE);
    }

    int whole(String key, int largest) throws MalformedFileException {
        JsonNode value = required(key);
        if (!value.isIntegralNumber() || !value.canConvertToInt() || value.asInt() < 1 || value.asInt() > largest) {
            throw problem("'" + key + "' is " + value + ", expected a whole number from 1 to " + largest);
        }
        return value.asInt();
    }

    double positive(String key) throws MalformedFileException {
        JsonNode value = required(key);
        if (!value.isNumber() || !(value.asDouble() > 0) || !Double.isFinite(value.asDouble())) {
            throw problem("'" + key + "' is " + value + ", expected a number above 0");
        }
        return value.asDouble();
    }

    OptionalDouble optionalPositive(String key) throws MalformedFileException {
        return present(key) ? OptionalDouble.of(positive(key)) : OptionalDouble.empty();
    }

    private JsonNode required(String key) throws MalformedFileException {
        if (!present(key)) {
            throw problem("'" + key + "' is missing; take the config.json that was saved with these weights");
        }
        return json.get(key);
    }

    /** Refuses a value other than the one that our forward pass and formats take for granted. */
    void expect(String key, JsonNode expected, String why) throws MalformedFileException {
        if (present(key) && !json.get(key).equals(expected)) {
            throw variant("'" + key + "' is " + json.get(key) + ", expected " + expected + why);
        }
    }

    /** The config is sound, and means a model of a known architecture that nothing here computes. */
    MalformedFileException variant(String what) {
        return unknown(what + "; nothing here computes such a model: choose a checkpoint that has what is expected");
    }

    /** Which model the config means is not known; the text ends with a remedy. */
    MalformedFileException unknown(String what) {
        return new MalformedFileException(Kind.UNKNOWN_ARCHITECTURE, file, what);
    }

    MalformedFileException problem(String what) {
        return new MalformedFileException(file, -1, what);
    }
}
