package io.millrace.tensors.format.safetensors;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One safetensors file, memory-mapped. Little-endian throughout:
 *
 * <pre>
 * offset   bytes  what
 * 0        8      u64 n: length of the header, at most 100 MB
 * 8        n      JSON object, UTF-8, no duplicate keys, may end in spaces:
 *                 {"__metadata__": {text: text, ...},
 *                  name: {"dtype": "BF16", "shape": [out, in], "data_offsets": [begin, end]}, ...}
 * 8 + n    ...    the tensors, row-major, without hole or overlap; offsets count from here
 * </pre>
 *
 * All of this was checked when the constructor returned.
 */
public final class SafetensorsReader implements TensorReader {
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Path file;
    private final Arena arena;
    private final MemorySegment mapped;
    private final SafetensorsHeader header;
    private final Map<String, SafetensorsHeader.Entry> byName = new HashMap<>();

    private SafetensorsReader(Path file, Arena arena, MemorySegment mapped, SafetensorsHeader header) {
        this.file = file;
        this.arena = arena;
        this.mapped = mapped;
        this.header = header;
        for (SafetensorsHeader.Entry entry : header.entries()) {
            byName.put(entry.spec().name(), entry);
        }
    }

    /** Maps and checks a file; {@link MalformedFileException} says where it is wrong. */
    @SuppressWarnings("MustBeClosedChecker") // the reader owns the arena and closes it
    public static SafetensorsReader open(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            String name = String.valueOf(file.getFileName());
            long size = channel.size();
            if (size < SafetensorsHeader.LENGTH_BYTES) {
                throw new MalformedFileException(
                        file, 0, "the file has " + size + " bytes, expected at least 8; copy the file again");
            }
            MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
            int length = SafetensorsHeader.checkLength(mapped.get(LENGTH, 0), size, name);
            MemorySegment json = mapped.asSlice(SafetensorsHeader.LENGTH_BYTES, length);
            return new SafetensorsReader(file, arena, mapped, SafetensorsHeader.parse(json.asByteBuffer(), size, name));
        } catch (InternalError fault) {
            arena.close();
            throw MalformedFileException.changed(String.valueOf(file.getFileName()), fault);
        } catch (IOException | RuntimeException failure) {
            arena.close();
            throw failure;
        }
    }

    public Path file() {
        return file;
    }

    /** The texts under {@code __metadata__}; empty if there are none. */
    public Map<String, String> metadata() {
        return header.metadata();
    }

    @Override
    public List<TensorSpec> tensors() {
        return header.entries().stream().map(SafetensorsHeader.Entry::spec).toList();
    }

    @Override
    public MemorySegment rows(String name, long from, long to) {
        SafetensorsHeader.Entry entry = byName.get(name);
        if (entry == null) {
            throw new IllegalArgumentException(file.getFileName() + " has no tensor '" + name + "'");
        }
        Shape shape = entry.spec().shape();
        Objects.checkFromToIndex(from, to, shape.rows());
        // Whole rows of a checked tensor: these products cannot exceed its checked byte size.
        long rowBytes = shape.rows() == 0 ? 0 : (entry.end() - entry.begin()) / shape.rows();
        return mapped.asSlice(header.dataStart() + entry.begin() + from * rowBytes, (to - from) * rowBytes);
    }

    @Override
    public void close() {
        arena.close();
    }
}
