package io.millrace.events.policy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** YAML as a tree in which each node knows its line. No aliases, no tags: a policy has no use for them. */
sealed interface Yaml {
    /** Where the node begins, from 1. */
    int line();

    /** Text, a number or a truth value, as written. */
    record Scalar(String text, int line) implements Yaml {}

    record Sequence(List<Yaml> items, int line) implements Yaml {}

    record Mapping(Map<String, Entry> entries, int line) implements Yaml {}

    /** A value under its key; {@code line} is the key's. */
    record Entry(String key, Yaml value, int line) {}

    /** How people call this kind of node. */
    default String kind() {
        return switch (this) {
            case Scalar scalar -> "'" + scalar.text() + "'";
            case Sequence sequence -> sequence.items().isEmpty() ? "an empty list" : "a list";
            case Mapping _ -> "a map";
        };
    }

    /**
     * @param where names the file in messages
     */
    static Mapping read(String yaml, String where) throws PolicyException {
        try (YAMLParser parser = new YAMLFactory().createParser(yaml)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw new PolicyException(where + ":1: a policy is a map that starts with 'policy: NAME'");
            }
            Mapping mapping = mapping(parser, where);
            if (parser.nextToken() != null) {
                throw new PolicyException(where + ":" + line(parser) + ": a second document; put it into its own file");
            }
            return mapping;
        } catch (JsonProcessingException e) {
            YamlProblem problem = YamlProblem.of(e);
            throw new PolicyException(where + ":" + problem.line() + ": not YAML: " + problem.text());
        } catch (IOException e) {
            throw new IllegalStateException("a string does not fail to be read", e);
        }
    }

    private static Yaml node(YAMLParser parser, String where) throws IOException, PolicyException {
        int line = line(parser);
        if (parser.isCurrentAlias()) {
            throw new PolicyException(where + ":" + line + ": '*" + parser.getText()
                    + "' is an alias in YAML; put a pattern that starts with * in quotes, and write out what is"
                    + " said twice");
        }
        return switch (parser.currentToken()) {
            case START_OBJECT -> mapping(parser, where);
            case START_ARRAY -> {
                List<Yaml> items = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    items.add(node(parser, where));
                }
                yield new Sequence(List.copyOf(items), line);
            }
            case VALUE_NULL -> throw new PolicyException(where + ":" + line + ": a value is missing");
            default -> new Scalar(parser.getText(), line);
        };
    }

    private static Mapping mapping(YAMLParser parser, String where) throws IOException, PolicyException {
        int line = line(parser);
        Map<String, Entry> entries = new LinkedHashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
            String key = parser.currentName();
            int keyLine = line(parser);
            parser.nextToken();
            if (entries.put(key, new Entry(key, node(parser, where), keyLine)) != null) {
                throw new PolicyException(where + ":" + keyLine + ": '" + key + "' is there twice");
            }
        }
        return new Mapping(entries, line);
    }

    private static int line(YAMLParser parser) {
        return parser.currentTokenLocation().getLineNr();
    }
}
