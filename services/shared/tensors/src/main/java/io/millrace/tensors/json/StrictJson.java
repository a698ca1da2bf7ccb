package io.millrace.tensors.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParseException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** One JSON object per text, refused unless it is exactly that. */
public final class StrictJson {
    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    /** A vocabulary's names come once each, so that none is kept for the next. */
    private static final JsonFactory FACTORY = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .build();

    private static final ObjectReader VALUES = MAPPER.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** Indented by two spaces, one line feed per line on every system: the same object is the same bytes. */
    private static final DefaultPrettyPrinter PRINTER = new DefaultPrettyPrinter()
            .withSeparators(Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                    .withObjectEmptySeparator("")
                    .withArrayEmptySeparator(""))
            .withObjectIndenter(new DefaultIndenter("  ", "\n"))
            .withArrayIndenter(new DefaultIndenter("  ", "\n"));

    private StrictJson() {}

    /** Takes a value, of which the parser stands at the first token, to its last. */
    @FunctionalInterface
    public interface Reading<T> {
        T of(JsonParser parser) throws IOException;
    }

    /** A file that is one object of at most {@code limitBytes}. */
    public static ObjectNode readFile(Path file, long limitBytes) throws IOException {
        return readFile(file, limitBytes, parser -> (ObjectNode) value(parser));
    }

    /** The same for an object that is too large to be held as a tree. */
    public static <T> T readFile(Path file, long limitBytes, Reading<T> object) throws IOException {
        return readFile(file, limitBytes, JsonToken.START_OBJECT, object);
    }

    /** A file that is one list of at most {@code limitBytes}. */
    public static ArrayNode readList(Path file, long limitBytes) throws IOException {
        return readFile(file, limitBytes, JsonToken.START_ARRAY, parser -> (ArrayNode) value(parser));
    }

    private static <T> T readFile(Path file, long limitBytes, JsonToken first, Reading<T> reading) throws IOException {
        String name = String.valueOf(file.getFileName());
        long size = Files.size(file);
        if (size > limitBytes) {
            throw new MalformedFileException(
                    name, -1, "the file has " + size + " bytes, expected at most " + limitBytes);
        }
        try (JsonParser parser = FACTORY.createParser(Utf8Reader.of(file))) {
            if (parser.nextToken() != first) {
                throw first == JsonToken.START_OBJECT
                        ? anotherKind(name, 0)
                        : new MalformedFileException(
                                name, 0, "found JSON of another kind, expected a list [...]; copy the file again");
            }
            T result = reading.of(parser);
            if (parser.nextToken() != null) {
                throw new JsonParseException(parser, "something follows it");
            }
            return result;
        } catch (JsonProcessingException malformed) {
            throw notOne(first == JsonToken.START_OBJECT ? "object" : "list", name, 0, malformed);
        }
    }

    /** What begins at the parser's token. */
    public static JsonNode value(JsonParser parser) throws IOException {
        return VALUES.readTree(parser);
    }

    /** Bytes that are one object; {@code offset} is where they start in {@code file}, for messages. */
    public static ObjectNode parse(ByteBuffer utf8, String file, long offset) throws MalformedFileException {
        String text;
        try {
            text = StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(utf8)
                    .toString();
        } catch (CharacterCodingException _) {
            // The decoder leaves the buffer at the first byte it could not take.
            throw notUtf8(file, offset + utf8.position());
        }
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JsonProcessingException malformed) {
            throw notOne("object", file, offset, malformed);
        }
        if (!(node instanceof ObjectNode object)) {
            throw anotherKind(file, offset);
        }
        return object;
    }

    static MalformedFileException notUtf8(String file, long at) {
        return new MalformedFileException(file, at, "the JSON is not UTF-8 at byte " + at);
    }

    private static MalformedFileException notOne(
            String kind, String file, long offset, JsonProcessingException malformed) {
        JsonLocation location = malformed.getLocation();
        long at = location == null ? 0 : location.getCharOffset();
        return new MalformedFileException(
                file,
                offset + Math.max(0, at),
                // Without where the bracket that is never closed was opened, as the parser puts it.
                "not one JSON " + kind + " ("
                        + malformed.getOriginalMessage().replaceFirst(" \\(start marker at .*", "") + ", character "
                        + at
                        + "); copy the file again");
    }

    private static MalformedFileException anotherKind(String file, long offset) {
        return new MalformedFileException(
                file, offset, "found JSON of another kind, expected an object {...}; copy the file again");
    }

    /** The object as text that ends with a line feed. */
    public static String print(JsonNode json) {
        try {
            return MAPPER.writer(PRINTER).writeValueAsString(json) + "\n";
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("a JSON tree could not be printed", impossible);
        }
    }

    /** The same into a file, which stays open; lists that are not part of the tree are written as they are read. */
    public static void print(JsonNode json, OutputStream file) throws IOException {
        JsonGenerator generator = MAPPER.writer(PRINTER)
                .without(JsonGenerator.Feature.AUTO_CLOSE_TARGET)
                .createGenerator(file);
        generator.writePOJO(json);
        generator.writeRaw('\n');
        generator.flush();
    }

    /** The object on one line. */
    public static byte[] compact(JsonNode json) {
        try {
            return MAPPER.writeValueAsBytes(json);
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("a JSON tree could not be printed", impossible);
        }
    }

    public static ObjectNode object() {
        return MAPPER.createObjectNode();
    }
}
