package io.millrace.tensors.format.safetensors;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.file.OutputFile;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** One file that is being written under a temporary name; its tensors fill from front to back, in any order. */
final class ShardFile implements AutoCloseable {
    private static final int HEADER_ALIGNMENT = 8;
    private static final long PIECE_BYTES = 4L << 20;

    private final Path file;
    private final Path temporary;
    private final OutputFile output;
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

    private ShardFile(Path file, Path temporary, OutputFile output) {
        this.file = file;
        this.temporary = temporary;
        this.output = output;
    }

    static ShardFile create(Path file, List<TensorSpec> tensors, Map<String, String> metadata, boolean digested)
            throws IOException {
        List<TensorSpec> laidOut = laidOut(tensors);
        ByteBuffer head = head(laidOut, metadata);
        Path temporary = file.resolveSibling(file.getFileName() + ".partial");
        ShardFile shard = new ShardFile(file, temporary, OutputFile.create(temporary, digested));
        try {
            long offset = head.remaining();
            for (TensorSpec tensor : laidOut) {
                shard.extents.put(tensor.name(), new Extent(offset, Math.addExact(offset, tensor.byteSize())));
                offset += tensor.byteSize();
            }
            shard.output.write(head, 0);
            return shard;
        } catch (IOException | RuntimeException failure) {
            shard.close();
            shard.discard();
            throw failure;
        }
    }

    /** In the planned order if every tensor then begins at a multiple of its element size, else wider elements first. */
    private static List<TensorSpec> laidOut(List<TensorSpec> planned) {
        long offset = 0;
        for (TensorSpec tensor : planned) {
            if (offset % elementBytes(tensor) != 0) {
                List<TensorSpec> widerFirst = new ArrayList<>(planned);
                widerFirst.sort(Comparator.comparingInt(ShardFile::elementBytes).reversed());
                return widerFirst;
            }
            offset = Math.addExact(offset, tensor.byteSize());
        }
        return planned;
    }

    private static int elementBytes(TensorSpec tensor) {
        return SafetensorsWriter.typeOf(tensor).bytes();
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
            output.write(buffer(bytes.asSlice(done, piece)), extent.next);
            extent.next += piece;
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

    /**
     * Forces all of it to the disk.
     *
     * @return its SHA-256, if that is wanted
     */
    Optional<byte[]> finish() throws IOException {
        Optional<byte[]> digest = output.finish();
        output.close();
        return digest;
    }

    /** Gives the finished file its name. */
    Path publish() throws IOException {
        return Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    void discard() throws IOException {
        Files.deleteIfExists(temporary);
    }

    @Override
    public void close() throws IOException {
        output.close();
    }
}
