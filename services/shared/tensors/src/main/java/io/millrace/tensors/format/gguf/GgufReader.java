package io.millrace.tensors.format.gguf;

import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** An opened GGUF file under its own names: mapped into memory, its header fully checked. */
public final class GgufReader implements TensorReader {
    private final String file;
    private final Runnable release;
    private final MemorySegment bytes;
    private final GgufHeader header;
    private final long dataOffset;
    private final Map<String, GgufTensor> byName = new HashMap<>();

    private GgufReader(String file, MemorySegment bytes, Runnable release) throws MalformedFileException {
        this.file = file;
        this.release = release;
        this.bytes = bytes.asReadOnly();
        GgufHeaderDecoder.Decoded decoded = GgufHeaderDecoder.decode(file, this.bytes);
        this.header = decoded.header();
        this.dataOffset = decoded.dataOffset();
        for (GgufTensor tensor : header.tensors()) {
            byName.put(tensor.name(), tensor);
        }
        if (header.metadata().get("split.count") instanceof GgufValue.Whole parts && parts.value() > 1) {
            throw new MalformedFileException(
                    file, -1, "this is one of " + parts.value() + " parts of a model, expected a model in one file");
        }
    }

    @SuppressWarnings("MustBeClosedChecker") // the reader owns the arena and closes it
    public static GgufReader open(Path file) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return new GgufReader(String.valueOf(file.getFileName()), bytes, arena::close);
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
        try (Arena arena = Arena.ofConfined();
                FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            return GgufHeaderDecoder.decode(String.valueOf(file.getFileName()), bytes)
                    .header();
        }
    }

    /** Reads a file that is in memory; the caller keeps the segment alive. */
    static GgufReader over(String name, MemorySegment bytes) throws MalformedFileException {
        return new GgufReader(name, bytes, () -> {});
    }

    /** Its name, for messages. */
    String file() {
        return file;
    }

    public GgufHeader header() {
        return header;
    }

    /** The byte of the file at which {@link GgufTensor#offset} counts from. */
    public long dataOffset() {
        return dataOffset;
    }

    @Override
    public List<TensorSpec> tensors() {
        return header.tensors().stream()
                .map(tensor -> new TensorSpec(tensor.name(), new Encoding.Blocks(tensor.type()), tensor.shape()))
                .toList();
    }

    @Override
    public MemorySegment rows(String name, long from, long to) {
        GgufTensor tensor = byName.get(name);
        if (tensor == null) {
            throw new IllegalArgumentException(file + " has no tensor '" + name + "'");
        }
        Objects.checkFromToIndex(from, to, tensor.shape().rows());
        long rowBytes = tensor.type().rowBytes(tensor.shape().rowLength());
        return bytes.asSlice(dataOffset + tensor.offset() + from * rowBytes, (to - from) * rowBytes);
    }

    @Override
    public void close() {
        release.run();
    }
}
