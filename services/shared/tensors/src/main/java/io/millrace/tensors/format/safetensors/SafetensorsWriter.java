package io.millrace.tensors.format.safetensors;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.TensorSink;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.file.DurableFiles;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * Writes a planned list of tensors as {@code model.safetensors}, or as shards with an index when they exceed the asked
 * shard size. Every file carries another name until {@link #finish}. The tensors may be filled in any order, each from
 * front to back; {@link #append(MemorySegment)} fills them in the planned order.
 *
 * <p>The layout is that of {@link SafetensorsReader}. Inside a file the planned order is kept if each tensor then begins at
 * a multiple of its element size, because torch views it only there; else wider element types come first.
 */
public final class SafetensorsWriter implements TensorSink {
    private final Path folder;
    private final List<TensorSpec> plan;
    private final Optional<BiConsumer<Path, byte[]>> digests;
    private final List<ShardFile> shards = new ArrayList<>();
    private final Map<String, ShardFile> shardOf = new HashMap<>();
    private int current;
    private boolean finished;

    private SafetensorsWriter(Path folder, List<TensorSpec> plan, Optional<BiConsumer<Path, byte[]>> digests) {
        this.folder = folder;
        this.plan = plan;
        this.digests = digests;
    }

    /**
     * Opens the files and writes their headers.
     *
     * @param shardBytes most tensor bytes in one file; {@link Long#MAX_VALUE} for a single file
     */
    public static SafetensorsWriter open(
            Path folder, List<TensorSpec> tensors, Map<String, String> metadata, long shardBytes) throws IOException {
        return open(folder, tensors, metadata, shardBytes, Optional.empty());
    }

    /**
     * The same, and computes the digests beside it.
     *
     * @param digests takes the SHA-256 of each finished file of tensors
     */
    public static SafetensorsWriter open(
            Path folder,
            List<TensorSpec> tensors,
            Map<String, String> metadata,
            long shardBytes,
            Optional<BiConsumer<Path, byte[]>> digests)
            throws IOException {
        checkPlan(tensors);
        SafetensorsWriter writer = new SafetensorsWriter(folder, List.copyOf(tensors), digests);
        Files.createDirectories(folder);
        List<List<TensorSpec>> parts = split(tensors, shardBytes);
        try {
            for (int part = 0; part < parts.size(); part++) {
                String name = parts.size() == 1
                        ? SafetensorsFolder.SINGLE
                        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", part + 1, parts.size());
                ShardFile shard =
                        ShardFile.create(folder.resolve(name), parts.get(part), metadata, digests.isPresent());
                writer.shards.add(shard);
                parts.get(part).forEach(tensor -> writer.shardOf.put(tensor.name(), shard));
            }
            return writer;
        } catch (IOException | RuntimeException failure) {
            writer.close();
            throw failure;
        }
    }

    private static void checkPlan(List<TensorSpec> tensors) {
        Set<String> names = new HashSet<>();
        for (TensorSpec tensor : tensors) {
            if (!names.add(tensor.name()) || tensor.name().equals(SafetensorsHeader.METADATA)) {
                throw new IllegalArgumentException("the plan names '" + tensor.name() + "' twice or as a tensor");
            }
        }
    }

    private static List<List<TensorSpec>> split(List<TensorSpec> tensors, long shardBytes) {
        List<List<TensorSpec>> parts = new ArrayList<>();
        List<TensorSpec> part = new ArrayList<>();
        long partBytes = 0;
        for (TensorSpec tensor : tensors) {
            if (!part.isEmpty() && tensor.byteSize() > shardBytes - partBytes) {
                parts.add(part);
                part = new ArrayList<>();
                partBytes = 0;
            }
            part.add(tensor);
            partBytes = Math.addExact(partBytes, tensor.byteSize());
        }
        parts.add(part);
        return parts;
    }

    static DType typeOf(TensorSpec tensor) {
        return switch (tensor.encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) ->
                throw new IllegalArgumentException(
                        "safetensors cannot hold '" + tensor.name() + "' in blocks of " + blocks);
        };
    }

    /** Appends bytes to the tensor of this name. */
    public void append(String name, MemorySegment bytes) throws IOException {
        ShardFile shard = shardOf.get(name);
        if (shard == null) {
            throw new IllegalArgumentException("tensor '" + name + "' is not in the plan");
        }
        shard.append(name, bytes);
    }

    @Override
    public void append(MemorySegment bytes) throws IOException {
        long taken = 0;
        while (taken < bytes.byteSize()) {
            while (current < plan.size() && missing(plan.get(current).name()) == 0) {
                current++;
            }
            if (current == plan.size()) {
                throw new IllegalArgumentException(
                        (bytes.byteSize() - taken) + " bytes more were appended than planned");
            }
            String name = plan.get(current).name();
            long piece = Math.min(bytes.byteSize() - taken, missing(name));
            append(name, bytes.asSlice(taken, piece));
            taken += piece;
        }
    }

    private long missing(String name) {
        ShardFile shard = shardOf.get(name);
        return shard == null ? 0 : shard.missing(name);
    }

    @Override
    public void finish() throws IOException {
        for (TensorSpec tensor : plan) {
            if (missing(tensor.name()) != 0) {
                throw new IllegalStateException("tensor '" + tensor.name() + "' still lacks " + missing(tensor.name())
                        + " of " + tensor.byteSize() + " bytes");
            }
        }
        List<Optional<byte[]>> hashes = new ArrayList<>();
        for (ShardFile shard : shards) {
            hashes.add(shard.finish());
        }
        // Before the shards have their names: where the disk has no room for it, none of them stays.
        if (shards.size() > 1) {
            DurableFiles.write(
                    folder.resolve(SafetensorsFolder.INDEX),
                    StrictJson.print(index()).getBytes(StandardCharsets.UTF_8));
        }
        List<Path> files = new ArrayList<>();
        for (ShardFile shard : shards) {
            files.add(shard.publish());
        }
        DurableFiles.forceFolder(folder);
        finished = true;
        for (int i = 0; i < files.size(); i++) {
            Path file = files.get(i);
            hashes.get(i).ifPresent(hash -> digests.orElseThrow().accept(file, hash));
        }
    }

    private ObjectNode index() {
        long totalBytes = 0;
        Map<String, String> sorted = new TreeMap<>();
        for (TensorSpec tensor : plan) {
            totalBytes += tensor.byteSize();
            ShardFile shard = shardOf.get(tensor.name());
            if (shard != null) {
                sorted.put(tensor.name(), shard.name());
            }
        }
        ObjectNode index = StrictJson.object();
        index.putObject("metadata").put("total_size", totalBytes);
        ObjectNode weightMap = index.putObject("weight_map");
        sorted.forEach(weightMap::put);
        return index;
    }

    @Override
    public void close() throws IOException {
        for (ShardFile shard : shards) {
            shard.close();
            if (!finished) {
                shard.discard();
            }
        }
    }
}
