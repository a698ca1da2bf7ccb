package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.format.safetensors.FolderPaths;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** An ONNX model's graph and the file of weights beside it, mapped into memory; every tensor lies within that file. */
public final class OnnxFile implements AutoCloseable {
    /** A graph of a hundred layers has half a megabyte. */
    private static final long LIMIT_BYTES = 16L << 20;

    private final String name;
    private final OnnxGraph graph;
    private final MemorySegment data;
    private final Runnable release;

    private OnnxFile(String name, OnnxGraph graph, MemorySegment data, Runnable release) {
        this.name = name;
        this.graph = graph;
        this.data = data.asReadOnly();
        this.release = release;
    }

    /**
     * A constant as the file of weights holds it.
     *
     * @param offset of its first byte there
     */
    public record Constant(String name, String type, Shape shape, long offset, long bytes) {}

    @SuppressWarnings("MustBeClosedChecker") // the file owns the arena and closes it
    public static OnnxFile open(Path file) throws IOException {
        long size = Files.size(file);
        if (size > LIMIT_BYTES) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "the graph has " + size + " bytes, expected at most " + LIMIT_BYTES
                            + ": weights belong into a file beside it");
        }
        String name = String.valueOf(file.getFileName());
        OnnxGraph graph = OnnxGraph.parse(name, Files.readAllBytes(file));
        if (graph.location().isEmpty()) {
            return of(name, graph, MemorySegment.NULL, () -> {});
        }
        Path beside = beside(file, graph.location().get());
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.READ)) {
            return of(name, graph, channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena), arena::close);
        } catch (IOException | RuntimeException failure) {
            arena.close();
            throw failure;
        }
    }

    /** A graph whose file of weights is in memory; the caller keeps the segment alive until {@code release}. */
    static OnnxFile of(String name, OnnxGraph graph, MemorySegment data, Runnable release)
            throws MalformedFileException {
        for (ExternalTensor tensor : graph.tensors().values()) {
            long end = tensor.offset() + tensor.byteSize();
            if (end > data.byteSize()) {
                throw new MalformedFileException(
                        graph.location().orElse(""),
                        tensor.offset(),
                        "tensor '" + tensor.name() + "' ends at byte " + end + " but the file has " + data.byteSize()
                                + "; copy the file again");
            }
        }
        return new OnnxFile(name, graph, data, release);
    }

    /** The file that a graph names, which must be a plain name in the same folder. */
    private static Path beside(Path file, String location) throws IOException {
        if (location.isEmpty()
                || location.startsWith(".")
                || location.chars().anyMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ')) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "its weights are said to be in '" + location + "', expected the plain name of a file in the same"
                            + " folder");
        }
        Path folder = file.toAbsolutePath().getParent();
        return new FolderPaths(folder == null ? file : folder).inside(location);
    }

    /** The name of the graph's file. */
    String name() {
        return name;
    }

    /** The name of the file with the weights. */
    String dataName() {
        return graph.location().orElse(name);
    }

    OnnxGraph graph() {
        return graph;
    }

    public Map<String, String> metadata() {
        return Map.copyOf(graph.metadata());
    }

    /** The constants in the file of weights, under the graph's names; two of them may be the same bytes. */
    public List<Constant> constants() {
        return graph.tensors().values().stream()
                .map(tensor -> new Constant(
                        tensor.name(), tensor.type().name(), tensor.shape(), tensor.offset(), tensor.byteSize()))
                .toList();
    }

    /** Bytes of all constants, each byte once. */
    public long tensorBytes() {
        return bytes(graph.tensors().values().stream());
    }

    /** Those of all constants but rotary tables. */
    long weightBytes() {
        return bytes(graph.tensors().values().stream().filter(tensor -> !RotaryTable.isNamed(tensor.name())));
    }

    private static long bytes(Stream<ExternalTensor> tensors) {
        return tensors.map(tensor -> Map.entry(tensor.offset(), tensor.byteSize()))
                .distinct()
                .mapToLong(Map.Entry::getValue)
                .sum();
    }

    /** Bytes of the file of weights. */
    public long dataBytes() {
        return data.byteSize();
    }

    /** All bytes of a tensor. */
    MemorySegment bytes(ExternalTensor tensor) {
        return data.asSlice(tensor.offset(), tensor.byteSize());
    }

    @Override
    public void close() {
        release.run();
    }
}
