package io.millrace.tests.pipeline;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;

/** Ways in which a checkpoint's folder goes wrong. */
final class BadInputFolders {
    static final String WEIGHTS = "model.safetensors";
    static final String CONFIG = "config.json";
    static final String TOKENIZER = "tokenizer.json";

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int BFLOAT16_NAN = 0x7fc0;

    private BadInputFolders() {}

    /** Changes a JSON object in a file. */
    static void edit(Path file, Consumer<ObjectNode> change) throws IOException {
        ObjectNode json = (ObjectNode) JSON.readTree(file.toFile());
        change.accept(json);
        Files.write(file, JSON.writeValueAsBytes(json));
    }

    /** Changes the header of a safetensors file and leaves its numbers as they are. */
    static void editHeader(Path weights, Consumer<ObjectNode> change) throws IOException {
        byte[] file = Files.readAllBytes(weights);
        int end = Long.BYTES + headerBytes(file);
        ObjectNode header = (ObjectNode) JSON.readTree(Arrays.copyOfRange(file, Long.BYTES, end));
        change.accept(header);
        byte[] changed = JSON.writeValueAsBytes(header);
        ByteBuffer out = ByteBuffer.allocate(Long.BYTES + changed.length + file.length - end)
                .order(ByteOrder.LITTLE_ENDIAN);
        out.putLong(changed.length).put(changed).put(file, end, file.length - end);
        Files.write(weights, out.array());
    }

    /** Says that the header has this many bytes. */
    static void sayHeaderBytes(Path weights, long bytes) throws IOException {
        byte[] file = Files.readAllBytes(weights);
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putLong(0, bytes);
        Files.write(weights, file);
    }

    /** Puts a NaN into the first number of a bfloat16 tensor. */
    static void poison(Path weights, String tensor) throws IOException {
        byte[] file = Files.readAllBytes(weights);
        int end = Long.BYTES + headerBytes(file);
        int from = JSON.readTree(Arrays.copyOfRange(file, Long.BYTES, end))
                .get(tensor)
                .get("data_offsets")
                .get(0)
                .intValue();
        ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).putShort(end + from, (short) BFLOAT16_NAN);
        Files.write(weights, file);
    }

    /** Changes the last byte. */
    static void flipLastByte(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 1] ^= 1;
        Files.write(file, bytes);
    }

    static void truncate(Path file, int missingBytes) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - missingBytes));
    }

    /** An index that says in which file the embedding lies, and nothing else. */
    static void writeIndex(Path folder, String shard) throws IOException {
        ObjectNode index = JSON.createObjectNode();
        index.putObject("weight_map").put("model.embed_tokens.weight", shard);
        Files.deleteIfExists(folder.resolve(WEIGHTS));
        Files.writeString(folder.resolve("model.safetensors.index.json"), index.toString(), StandardCharsets.UTF_8);
    }

    private static int headerBytes(byte[] file) {
        return Math.toIntExact(
                ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0));
    }
}
