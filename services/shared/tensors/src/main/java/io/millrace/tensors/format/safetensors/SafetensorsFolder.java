package io.millrace.tensors.format.safetensors;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The safetensors of a model folder as one reader: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} names. No name in the index leads outside the folder, and every tensor lies in
 * the shard where the index puts it.
 */
public final class SafetensorsFolder implements TensorReader {
    public static final String SINGLE = "model.safetensors";
    public static final String INDEX = "model.safetensors.index.json";

    private static final long INDEX_LIMIT_BYTES = 100_000_000;

    private final List<SafetensorsReader> shards;
    private final Map<String, SafetensorsReader> shardOf = new HashMap<>();
    private final List<TensorSpec> tensors = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafetensorsFolder(List<SafetensorsReader> shards) throws MalformedFileException {
        this.shards = List.copyOf(shards);
        for (SafetensorsReader shard : shards) {
            shard.metadata().forEach(metadata::putIfAbsent);
            for (TensorSpec tensor : shard.tensors()) {
                SafetensorsReader other = shardOf.putIfAbsent(tensor.name(), shard);
                if (other != null) {
                    throw new MalformedFileException(
                            shard.file(),
                            -1,
                            "tensor '" + tensor.name() + "' is also in "
                                    + other.file().getFileName());
                }
                tensors.add(tensor);
            }
        }
    }

    /** Opens the folder's one file or all of its shards. */
    public static SafetensorsFolder open(Path folder) throws IOException {
        Path single = folder.resolve(SINGLE);
        Path index = folder.resolve(INDEX);
        if (Files.exists(index)) {
            return openShards(folder, new FolderPaths(folder).inside(INDEX));
        }
        if (!Files.exists(single)) {
            throw new MalformedFileException(
                    folder, -1, "found neither " + SINGLE + " nor " + INDEX + ", expected one of them");
        }
        return opened(List.of(new FolderPaths(folder).inside(SINGLE)));
    }

    private static SafetensorsFolder openShards(Path folder, Path index) throws IOException {
        ObjectNode json = StrictJson.readFile(index, INDEX_LIMIT_BYTES);
        if (!(json.path("weight_map") instanceof ObjectNode weightMap) || weightMap.isEmpty()) {
            throw new MalformedFileException(index, -1, "'weight_map' is missing or empty, expected tensor: file");
        }
        FolderPaths paths = new FolderPaths(folder);
        Map<String, Path> files = new TreeMap<>();
        for (Map.Entry<String, JsonNode> field : weightMap.properties()) {
            String name = field.getValue().asText("");
            if (!files.containsKey(name)) {
                files.put(name, paths.shard(name, field.getKey()));
            }
        }
        // mlx-lm writes an index for one file, too.
        if (Files.exists(folder.resolve(SINGLE)) && !files.containsKey(SINGLE)) {
            throw new MalformedFileException(
                    index,
                    -1,
                    "found " + SINGLE + " beside it, which it does not name, expected one of both; remove what is old");
        }
        SafetensorsFolder opened = opened(List.copyOf(files.values()));
        try {
            opened.checkAgainst(weightMap, index);
            return opened;
        } catch (IOException malformed) {
            opened.close();
            throw malformed;
        }
    }

    private static SafetensorsFolder opened(List<Path> files) throws IOException {
        List<SafetensorsReader> shards = new ArrayList<>();
        try {
            for (Path file : files) {
                shards.add(SafetensorsReader.open(file));
            }
            return new SafetensorsFolder(shards);
        } catch (IOException | RuntimeException failure) {
            shards.forEach(SafetensorsReader::close);
            throw failure;
        }
    }

    private void checkAgainst(ObjectNode weightMap, Path index) throws MalformedFileException {
        for (Map.Entry<String, JsonNode> field : weightMap.properties()) {
            SafetensorsReader shard = shardOf.get(field.getKey());
            String expected = field.getValue().asText();
            if (shard == null || !shard.file().getFileName().toString().equals(expected)) {
                throw new MalformedFileException(
                        index, -1, "tensor '" + field.getKey() + "' should be in " + expected + " but is not there");
            }
        }
        for (TensorSpec tensor : tensors) {
            if (!weightMap.has(tensor.name())) {
                throw new MalformedFileException(
                        fileOf(tensor.name()), -1, "tensor '" + tensor.name() + "' is not in " + INDEX);
            }
        }
    }

    /** The texts under {@code __metadata__} of all shards, an earlier shard's before a later one's. */
    public Map<String, String> metadata() {
        return Map.copyOf(metadata);
    }

    /** The file that holds a tensor. */
    public Path fileOf(String name) {
        return shard(name).file();
    }

    @Override
    public List<TensorSpec> tensors() {
        return List.copyOf(tensors);
    }

    @Override
    public MemorySegment rows(String name, long from, long to) {
        return shard(name).rows(name, from, to);
    }

    private SafetensorsReader shard(String name) {
        SafetensorsReader shard = shardOf.get(name);
        if (shard == null) {
            throw new IllegalArgumentException("the checkpoint has no tensor '" + name + "'");
        }
        return shard;
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsReader::close);
    }
}
