package io.millrace.tensors.json;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.core.util.Separators;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
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

    /** Indented by two spaces, one line feed per line on every system: the same object is the same bytes. */
    private static final DefaultPrettyPrinter PRINTER = new DefaultPrettyPrinter()
            .withSeparators(Separators.createDefaultInstance()
                    .withObjectFieldValueSpacing(Separators.Spacing.AFTER)
                    .withObjectEmptySeparator("")
                    .withArrayEmptySeparator(""))
            .withObjectIndenter(new DefaultIndenter("  ", "\n"))
            .withArrayIndenter(new DefaultIndenter("  ", "\n"));

    private StrictJson() {}

    /** A file that is one object of at most {@code limitBytes}. */
    public static ObjectNode readFile(Path file, long limitBytes) throws IOException {
        long size = Files.size(file);
        if (size > limitBytes) {
            throw new MalformedFileException(
                    file, -1, "the file has " + size + " bytes, expected at most " + limitBytes);
        }
        return parse(ByteBuffer.wrap(Files.readAllBytes(file)), String.valueOf(file.getFileName()), 0);
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
            throw new MalformedFileException(
                    file, offset + utf8.position(), "the JSON is not UTF-8 at byte " + (offset + utf8.position()));
        }
        JsonNode node;
        try {
            node = MAPPER.readTree(text);
        } catch (JsonProcessingException malformed) {
            JsonLocation location = malformed.getLocation();
            long at = location == null ? 0 : location.getCharOffset();
            throw new MalformedFileException(
                    file,
                    offset + Math.max(0, at),
                    "not one JSON object (" + malformed.getOriginalMessage() + ", character " + at + ")");
        }
        if (!(node instanceof ObjectNode object)) {
            throw new MalformedFileException(file, offset, "found JSON of another kind, expected an object {...}");
        }
        return object;
    }

    /** The object as text that ends with a line feed. */
    public static String print(JsonNode json) {
        try {
            return MAPPER.writer(PRINTER).writeValueAsString(json) + "\n";
        } catch (JsonProcessingException impossible) {
            throw new IllegalStateException("a JSON tree could not be printed", impossible);
        }
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
