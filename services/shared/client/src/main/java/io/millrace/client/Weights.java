package io.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/** The safetensors files of a checkpoint, as their headers describe them. */
record Weights(SortedSet<String> files, Map<String, SafetensorsHeader.Tensor> tensors) {
    static final String SINGLE = "model.safetensors";
    static final String INDEX = "model.safetensors.index.json";

    private static final String MADE = "millrace.made";
    private static final Set<String> DENSE = Set.of("F32", "F16", "BF16");

    /** Old Llama checkpoints carry this table in each layer; it is computed, not learned. */
    private static final String ROTARY_TABLE = "rotary_emb.inv_freq";

    static Weights open(FolderFiles folder) throws IOException {
        Map<String, String> shardByTensor = new HashMap<>();
        SortedSet<String> files = new TreeSet<>();
        if (folder.has(INDEX)) {
            readIndex(CheckpointJson.read(folder.require(INDEX)), shardByTensor);
            files.addAll(shardByTensor.values());
        } else {
            files.add(SINGLE);
        }
        Map<String, SafetensorsHeader.Tensor> tensors = new HashMap<>();
        for (String file : files) {
            Path path = folder.require(file);
            SafetensorsHeader header = SafetensorsHeader.read(path);
            refuseOwn(path, header);
            for (Map.Entry<String, SafetensorsHeader.Tensor> tensor :
                    header.tensors().entrySet()) {
                String name = tensor.getKey();
                if (tensors.put(name, tensor.getValue()) != null
                        || (!shardByTensor.isEmpty() && !file.equals(shardByTensor.get(name)))) {
                    throw refused(
                            path,
                            "tensor '" + name + "' is here, expected it in '"
                                    + shardByTensor.getOrDefault(name, "no file") + "' by " + INDEX
                                    + "; copy the index and all shards of one saved checkpoint");
                }
            }
        }
        Set<String> missing = new HashSet<>(shardByTensor.keySet());
        missing.removeAll(tensors.keySet());
        if (!missing.isEmpty()) {
            String name = new TreeSet<>(missing).getFirst();
            throw refused(
                    folder.require(INDEX),
                    "tensor '" + name + "' should be in '" + shardByTensor.get(name)
                            + "' and is not there; copy the shards again");
        }
        return new Weights(files, tensors);
    }

    private static void readIndex(CheckpointJson index, Map<String, String> shardByTensor) throws IOException {
        JsonNode map = index.node().path("weight_map");
        if (!map.isObject() || map.isEmpty()) {
            throw index.refused("'weight_map' is missing or empty; save the checkpoint again");
        }
        for (Map.Entry<String, JsonNode> entry : map.properties()) {
            String shard = entry.getValue().asText("");
            if (!entry.getValue().isTextual() || !FolderFiles.isPlainName(shard) || !shard.endsWith(".safetensors")) {
                throw index.refused("tensor '" + entry.getKey() + "' is mapped to '" + shard
                        + "', expected the name of a .safetensors file in the same folder");
            }
            shardByTensor.put(entry.getKey(), shard);
        }
    }

    private static void refuseOwn(Path file, SafetensorsHeader header) throws IOException {
        String made = header.metadata().get(MADE);
        if (made != null) {
            throw new RefusedCheckpointException(
                    Reason.MADE_BY_MILLRACE,
                    file + ": carries the mark '" + MADE + "' = '" + made
                            + "': Millrace made it; publish the checkpoint that it came from");
        }
    }

    /** Learned numbers in all, a tied output head once. */
    long parameters(boolean tied) {
        return counted(tied).values().stream()
                .mapToLong(SafetensorsHeader.Tensor::elements)
                .sum();
    }

    /** The dtype of most parameters. */
    String dtype(Path folder) throws RefusedCheckpointException {
        Map<String, Long> elements = new HashMap<>();
        for (SafetensorsHeader.Tensor tensor : counted(false).values()) {
            elements.merge(tensor.dtype(), tensor.elements(), Long::sum);
        }
        String most = elements.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(Map.Entry::getKey)
                .orElse("no tensors");
        if (!DENSE.contains(most)) {
            throw new RefusedCheckpointException(
                    most.equals("no tensors") ? Reason.MALFORMED_CHECKPOINT : Reason.ALREADY_QUANTIZED,
                    folder + ": most weights are " + most + ", expected one of " + List.of("F32", "F16", "BF16")
                            + "; publish the checkpoint before it was quantized");
        }
        return most;
    }

    private Map<String, SafetensorsHeader.Tensor> counted(boolean tied) {
        Map<String, SafetensorsHeader.Tensor> counted = new HashMap<>(tensors);
        counted.keySet().removeIf(name -> name.endsWith(ROTARY_TABLE) || (tied && name.equals("lm_head.weight")));
        return counted;
    }

    private static RefusedCheckpointException refused(Path file, String what) {
        return new RefusedCheckpointException(Reason.MALFORMED_CHECKPOINT, file + ": " + what);
    }
}
