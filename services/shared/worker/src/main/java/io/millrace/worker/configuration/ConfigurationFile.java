package io.millrace.worker.configuration;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import io.millrace.events.policy.Nearest;
import io.millrace.events.policy.YamlProblem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Settings in YAML, one map whose keys are the long names of options: {@code store: s3://models}. A list is written as a
 * list or with commas. One file serves all services: each takes what it knows.
 */
record ConfigurationFile(Map<Setting, Configured> values) {
    static final ConfigurationFile NONE = new ConfigurationFile(Map.of());

    ConfigurationFile {
        values = Map.copyOf(values);
    }

    /** @throws IOException if it is not there or not as it should be, with file and line */
    static ConfigurationFile read(Path file) throws IOException {
        try (YAMLParser parser = new YAMLFactory().createParser(Files.readString(file, StandardCharsets.UTF_8))) {
            JsonToken first = parser.nextToken();
            if (first == null) {
                return NONE;
            }
            if (first != JsonToken.START_OBJECT) {
                throw new IOException(file + ":1: expected lines such as 'store: /srv/millrace'");
            }
            return new ConfigurationFile(values(parser, file));
        } catch (NoSuchFileException e) {
            throw new IOException("there is no file " + file + " of settings; see --config and MILLRACE_CONFIG", e);
        } catch (JsonProcessingException e) {
            YamlProblem problem = YamlProblem.of(e);
            throw new IOException(file + ":" + problem.line() + ": not YAML: " + problem.text(), e);
        }
    }

    private static Map<Setting, Configured> values(YAMLParser parser, Path file) throws IOException {
        Map<Setting, Configured> values = new EnumMap<>(Setting.class);
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            String place = file + ":" + parser.currentTokenLocation().getLineNr();
            Setting setting = Setting.of(key).orElseThrow(() -> new IOException(place + ": " + unknown(key)));
            parser.nextToken();
            if (values.put(setting, new Configured(value(parser, place, key), place)) != null) {
                throw new IOException(place + ": '" + key + "' is there twice");
            }
        }
        return values;
    }

    private static String unknown(String key) {
        List<String> known = Arrays.stream(Setting.values()).map(Setting::key).toList();
        return "'" + key + "' is no setting; "
                + Nearest.to(key, known)
                        .map(near -> "did you mean '" + near + "'?")
                        .orElse("there are " + String.join(", ", known));
    }

    private static String value(YAMLParser parser, String place, String key) throws IOException {
        if (parser.currentToken() == JsonToken.START_ARRAY) {
            List<String> items = new ArrayList<>();
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                items.add(scalar(parser, place, key));
            }
            return String.join(",", items);
        }
        return scalar(parser, place, key);
    }

    private static String scalar(YAMLParser parser, String place, String key) throws IOException {
        if (!parser.currentToken().isScalarValue() || parser.currentToken() == JsonToken.VALUE_NULL) {
            throw new IOException(place + ": '" + key + "' has no value; expected text, a number, or a list of them");
        }
        return parser.getText();
    }
}
