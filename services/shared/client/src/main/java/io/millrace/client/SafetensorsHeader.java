package io.millrace.client;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import io.millrace.events.Reason;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The header of a safetensors file: which tensors it has, and nothing of their content.
 *
 * <pre>
 * u64 little-endian   header length n, at most 100 MB and inside the file
 * n bytes             JSON: {"__metadata__": {text: text}, name: {"dtype", "shape", "data_offsets": [from, to]}}
 * the rest            tensor bytes: every byte belongs to exactly one tensor
 * </pre>
 */
record SafetensorsHeader(Map<String, Tensor> tensors, Map<String, String> metadata) {
    static final String REMEDY = "; copy the file again, or save the checkpoint again";

    private static final int LARGEST_HEADER_BYTES = 100_000_000;

    /** A tensor as the header describes it; it lies inside the file. */
    record Tensor(String dtype, long elements, long from, long to) {}

    static SafetensorsHeader read(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            long sizeBytes = channel.size();
            if (sizeBytes < Long.BYTES) {
                throw refused(file, "has " + sizeBytes + " bytes, expected at least the 8 of a header's length");
            }
            long headerBytes = read(channel, 0, Long.BYTES).getLong();
            if (headerBytes < 2 || headerBytes > LARGEST_HEADER_BYTES || headerBytes > sizeBytes - Long.BYTES) {
                throw refused(
                        file,
                        "the header says it has " + Long.toUnsignedString(headerBytes) + " bytes, expected 2 to "
                                + Math.min(LARGEST_HEADER_BYTES, sizeBytes - Long.BYTES));
            }
            byte[] header = read(channel, Long.BYTES, (int) headerBytes).array();
            try (SafetensorsJson json = new SafetensorsJson(file, header)) {
                SafetensorsHeader read = json.read();
                checkCover(file, read.tensors(), sizeBytes - Long.BYTES - headerBytes);
                return read;
            }
        } catch (JsonProcessingException e) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT,
                    file + ": the header is no JSON" + place(e.getLocation()) + " (" + e.getOriginalMessage() + ")"
                            + REMEDY,
                    e);
        }
    }

    /** A limit of the parser, such as that of a name's length, is broken at no place. */
    private static String place(@Nullable JsonLocation location) {
        return location == null ? "" : " at byte " + (Long.BYTES + location.getByteOffset());
    }

    private static ByteBuffer read(FileChannel channel, long from, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining()) {
            if (channel.read(bytes, from + bytes.position()) < 0) {
                throw new EOFException("the file became shorter while it was read");
            }
        }
        return bytes.flip();
    }

    /** The tensors cover the data without holes or overlaps; then none reaches beyond the file. */
    private static void checkCover(Path file, Map<String, Tensor> tensors, long dataBytes) throws IOException {
        List<Map.Entry<String, Tensor>> ordered = new ArrayList<>(tensors.entrySet());
        ordered.sort(Map.Entry.comparingByValue(
                Comparator.comparingLong(Tensor::from).thenComparingLong(Tensor::to)));
        long end = 0;
        for (Map.Entry<String, Tensor> tensor : ordered) {
            if (tensor.getValue().from() != end) {
                throw refused(
                        file,
                        "tensor '" + tensor.getKey() + "' begins at data byte "
                                + tensor.getValue().from() + ", expected " + end + ": tensors lie one after the other");
            }
            end = tensor.getValue().to();
        }
        if (end != dataBytes) {
            throw refused(file, "its tensors end at data byte " + end + " but the file has " + dataBytes);
        }
    }

    static RefusedCheckpointException refused(Path file, String what) {
        return new RefusedCheckpointException(Reason.MALFORMED_CHECKPOINT, file + ": " + what + REMEDY);
    }
}
