package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * An opened GGUF model under its own names: mapped into memory, its header fully checked. A model in several files is
 * opened by its first, with the others beside it.
 */
public final class GgufReader implements TensorReader {
    private final List<GgufPart> parts;
    private final GgufHeader header;
    private final Runnable release;
    private final Map<String, Placed> byName = new HashMap<>();

    /** A tensor and the file that holds it. */
    private record Placed(GgufPart part, GgufTensor tensor) {}

    private GgufReader(List<GgufPart> parts, Runnable release) {
        this.parts = List.copyOf(parts);
        this.header = GgufParts.together(parts);
        this.release = release;
        for (GgufPart part : parts) {
            part.header().tensors().forEach(tensor -> byName.put(tensor.name(), new Placed(part, tensor)));
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // the reader owns the arena and closes it
    public static GgufReader open(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new GgufReader(GgufParts.beside(file, GgufPart.map(file, arena), arena), arena::close);
        } catch (IOException | RuntimeException failure) {
            arena.close();
            throw failure;
        }
    }

    /** Opens one file by itself, also one part of a model in several. */
    @SuppressWarnings("MustBeClosedChecker") // the reader owns the arena and closes it
    public static GgufReader openPart(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try {
            return new GgufReader(List.of(GgufPart.map(file, arena)), arena::close);
        } catch (IOException | RuntimeException failure) {
            arena.close();
            throw failure;
        }
    }

    /** True if a file begins as every GGUF file does. */
    public static boolean startsLikeOne(Path file) throws IOException {
        ByteBuffer start = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int read = 0;
            while (start.hasRemaining() && read >= 0) {
                read = channel.read(start);
            }
        }
        return !start.hasRemaining() && start.getInt(0) == GgufHeader.MAGIC;
    }

    /** The checked header of a file, also of one part of a model in several files. */
    public static GgufHeader headerOf(Path file) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            return GgufPart.map(file, arena).header();
        }
    }

    /** Reads a file that is in memory; the caller keeps the segment alive. */
    static GgufReader over(String name, MemorySegment bytes) throws MalformedFileException {
        GgufPart part = GgufPart.over(name, bytes);
        if (GgufParts.count(part) > 1) {
            throw part.problem("this is one of " + GgufParts.count(part) + " parts of a model, expected one file");
        }
        return new GgufReader(List.of(part), () -> {});
    }

    /** Its name, or that of its first part, for messages. */
    String file() {
        return parts.getFirst().file();
    }

    /** Of a model in several files: as if it were in one, but that each tensor's offset is that in its own file. */
    public GgufHeader header() {
        return header;
    }

    /** How many files it lies in. */
    public int files() {
        return parts.size();
    }

    /** Bytes of all its files. */
    public long fileBytes() {
        return parts.stream().mapToLong(part -> part.bytes().byteSize()).sum();
    }

    /** The byte of the first file at which {@link GgufTensor#offset} counts from. */
    public long dataOffset() {
        return parts.getFirst().dataOffset();
    }

    @Override
    public List<TensorSpec> tensors() {
        return header.tensors().stream()
                .map(tensor -> new TensorSpec(tensor.name(), new Encoding.Blocks(tensor.type()), tensor.shape()))
                .toList();
    }

    @Override
    public MemorySegment rows(String name, long from, long to) {
        Placed placed = placed(name);
        Objects.checkFromToIndex(from, to, placed.tensor().shape().rows());
        return placed.part().rows(placed.tensor(), from, to);
    }

    private Placed placed(String name) {
        Placed placed = byName.get(name);
        if (placed == null) {
            throw new IllegalArgumentException(file() + " has no tensor '" + name + "'");
        }
        return placed;
    }

    /** The same in an array; a file that was cut off meanwhile is refused. */
    byte[] copyOfRows(String name, long from, long to) throws MalformedFileException {
        MemorySegment rows = rows(name, from, to);
        try {
            return rows.toArray(ValueLayout.JAVA_BYTE);
        } catch (InternalError fault) {
            throw MalformedFileException.changed(placed(name).part().file(), fault);
        }
    }

    @Override
    public void close() {
        release.run();
    }
}
