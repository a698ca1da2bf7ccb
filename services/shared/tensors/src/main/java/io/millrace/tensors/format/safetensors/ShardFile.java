package io.millrace.tensors.format.safetensors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** One file that is being written under a temporary name; its tensors fill from front to back, in any order. */
final class ShardFile implements AutoCloseable {
    private static final int HEADER_ALIGNMENT = 8;
    private static final long PIECE_BYTES = 4L << 20;

    private final Path file;
    private final Path temporary;
    private final FileChannel channel;
    private final WriteBehind behind;
    private final Map<String, Extent> extents = new HashMap<>();

    /** Where a tensor's next byte goes, and where it ends. */
    private static final class Extent {
        long next;
        final long end;

        Extent(long begin, long end) {
            this.next = begin;
            this.end = end;
        }
    }

    private ShardFile(Path file, Path temporary, FileChannel channel) {
        this.file = file;
        this.temporary = temporary;
        this.channel = channel;
        this.behind = new WriteBehind(channel::force);
    }

    static ShardFile create(Path file, List<TensorSpec> tensors, Map<String, String> metadata) throws IOException {
        List<TensorSpec> laidOut = new ArrayList<>(tensors);
        laidOut.sort(Comparator.comparingInt(
                        (TensorSpec tensor) -> SafetensorsWriter.typeOf(tensor).bytes())
                .reversed());
        ByteBuffer head = head(laidOut, metadata);
        Path temporary = file.resolveSibling(file.getFileName() + ".partial");
        ShardFile shard = new ShardFile(
                file,
                temporary,
                FileChannel.open(
                        temporary,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.WRITE));
        try {
            long offset = head.remaining();
            for (TensorSpec tensor : laidOut) {
                shard.extents.put(tensor.name(), new Extent(offset, Math.addExact(offset, tensor.byteSize())));
                offset += tensor.byteSize();
            }
            shard.write(head, 0);
            return shard;
        } catch (IOException | RuntimeException failure) {
            shard.close();
            shard.discard();
            throw failure;
        }
    }

    private static ByteBuffer head(List<TensorSpec> tensors, Map<String, String> metadata) {
        ObjectNode header = StrictJson.object();
        if (!metadata.isEmpty()) {
            ObjectNode texts = header.putObject(SafetensorsHeader.METADATA);
            new TreeMap<>(metadata).forEach(texts::put);
        }
        long offset = 0;
        for (TensorSpec tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name());
            entry.put("dtype", SafetensorsWriter.typeOf(tensor).name());
            ArrayNode shape = entry.putArray("shape");
            tensor.shape().extents().forEach(shape::add);
            entry.putArray("data_offsets").add(offset).add(offset + tensor.byteSize());
            offset = Math.addExact(offset, tensor.byteSize());
        }
        byte[] json = StrictJson.compact(header);
        int length = Math.ceilDiv(json.length, HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
        byte[] padded = Arrays.copyOf(json, length);
        Arrays.fill(padded, json.length, length, (byte) ' ');
        return ByteBuffer.allocate(SafetensorsHeader.LENGTH_BYTES + length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(padded)
                .flip();
    }

    String name() {
        return String.valueOf(file.getFileName());
    }

    long missing(String tensor) {
        Extent extent = extent(tensor);
        return extent.end - extent.next;
    }

    void append(String tensor, MemorySegment bytes) throws IOException {
        Extent extent = extent(tensor);
        if (bytes.byteSize() > extent.end - extent.next) {
            throw new IllegalArgumentException("tensor '" + tensor + "' lacks " + (extent.end - extent.next)
                    + " bytes but " + bytes.byteSize() + " were appended");
        }
        for (long done = 0; done < bytes.byteSize(); done += PIECE_BYTES) {
            long piece = Math.min(PIECE_BYTES, bytes.byteSize() - done);
            write(buffer(bytes.asSlice(done, piece)), extent.next);
            extent.next += piece;
            behind.written(piece);
        }
    }

    private Extent extent(String tensor) {
        Extent extent = extents.get(tensor);
        if (extent == null) {
            throw new IllegalArgumentException("tensor '" + tensor + "' is not in " + name());
        }
        return extent;
    }

    /** Only native segments and byte arrays have a buffer of their own. */
    private static ByteBuffer buffer(MemorySegment bytes) {
        boolean own = bytes.isNative() || bytes.heapBase().orElse(bytes) instanceof byte[];
        return own ? bytes.asByteBuffer() : ByteBuffer.wrap(bytes.toArray(ValueLayout.JAVA_BYTE));
    }

    private void write(ByteBuffer bytes, long offset) throws IOException {
        long at = offset;
        while (bytes.hasRemaining()) {
            at += channel.write(bytes, at);
        }
    }

    void force() throws IOException {
        behind.finish();
        channel.close();
    }

    void publish() throws IOException {
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    void discard() throws IOException {
        Files.deleteIfExists(temporary);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
