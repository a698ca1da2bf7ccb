package io.millrace.tensors.checkpoint;

import io.millrace.tensors.DType;
import io.millrace.tensors.Encoding;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Holds what a folder stores against what its architecture demands. */
final class TensorCheck {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";
    private static final int NAMES_IN_MESSAGE = 5;

    private TensorCheck() {}

    /** The model's tensors as stored, by name. */
    static Map<String, TensorSpec> check(ModelConfig config, List<TensorRule> rules, StoredTensors weights)
            throws IOException {
        Map<String, TensorSpec> stored = new HashMap<>();
        for (TensorSpec tensor : weights.tensors()) {
            if (!Architecture.derived(tensor.name())) {
                stored.put(tensor.name(), tensor);
            }
        }
        Map<String, TensorSpec> found = new HashMap<>();
        List<String> missing = new ArrayList<>();
        for (TensorRule rule : rules) {
            TensorSpec tensor = stored.remove(rule.name());
            if (tensor == null) {
                missing.add(rule.name());
            } else {
                checkOne(rule, tensor, weights.fileOf(rule.name()));
                found.put(rule.name(), tensor);
            }
        }
        if (missing.equals(List.of(HEAD))) {
            throw problem(
                    config,
                    "has no output head: there is no tensor '" + HEAD
                            + "', and by config.json the embedding is none (tie_word_embeddings: false); a model"
                            + " without a head predicts no token, so that no perplexity can be measured; load the"
                            + " model that it was taken from with AutoModelForCausalLM and save it with"
                            + " save_pretrained");
        }
        if (!missing.isEmpty()) {
            throw problem(config, "lacks " + some(missing) + "; " + remedy(missing.getFirst(), stored.keySet()));
        }
        if (config.tiedHead() && stored.remove(HEAD) != null) {
            checkTiedHead(weights);
        }
        if (!stored.isEmpty()) {
            throw problem(
                    config,
                    "has unknown " + some(stored.keySet().stream().sorted().toList())
                            + ", expected only what its architecture lists for this config.json; save weights and config.json together");
        }
        return found;
    }

    /** Wrappers of training ({@code _orig_mod.}, {@code module.}) stand before every name. */
    private static String remedy(String missing, Set<String> unknown) {
        return unknown.stream()
                .filter(name -> name.endsWith("." + missing))
                .min(Comparator.comparingInt(String::length))
                .map(name -> "found '" + name + "': '" + name.substring(0, name.length() - missing.length())
                        + "' is what torch.compile, DistributedDataParallel and the like put before names; save the model"
                        + " that they wrap")
                .orElse("publish the whole checkpoint");
    }

    private static void checkOne(TensorRule rule, TensorSpec tensor, Path file) throws MalformedFileException {
        if (!tensor.shape().equals(rule.shape())) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "tensor '" + rule.name() + "' has shape " + tensor.shape() + ", expected " + rule.shape()
                            + " by config.json; save weights and config.json together");
        }
        if (!type(tensor).isWeight()) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "tensor '" + rule.name() + "' has dtype " + type(tensor)
                            + ", expected F32, F16 or BF16; take the checkpoint from before it was quantized");
        }
    }

    /** A stored head is dropped when it repeats the embedding; otherwise the config and the weights contradict. */
    private static void checkTiedHead(StoredTensors weights) throws MalformedFileException {
        TensorSpec embedding = spec(weights, EMBEDDING);
        TensorSpec head = spec(weights, HEAD);
        boolean equal = head.shape().equals(embedding.shape())
                && head.encoding().equals(embedding.encoding())
                && sameRows(weights, head.shape().rows());
        if (!equal) {
            throw new MalformedFileException(
                    weights.fileOf(HEAD),
                    -1,
                    "tensor '" + HEAD + "' differs from '" + EMBEDDING
                            + "' although config.json says tie_word_embeddings: true; expected the same bytes or no"
                            + " head: drop it, or, if it was trained by itself, say false there");
        }
    }

    /** From copies: a comparison of mapped bytes would end the process if a file was cut off meanwhile. */
    private static boolean sameRows(StoredTensors weights, long rows) throws MalformedFileException {
        try {
            for (long row = 0; row < rows; row++) {
                byte[] head = weights.rows(HEAD, row, row + 1).toArray(ValueLayout.JAVA_BYTE);
                byte[] embedding = weights.rows(EMBEDDING, row, row + 1).toArray(ValueLayout.JAVA_BYTE);
                if (!Arrays.equals(head, embedding)) {
                    return false;
                }
            }
            return true;
        } catch (InternalError fault) {
            throw MalformedFileException.changed(
                    String.valueOf(weights.fileOf(HEAD).getFileName()), fault);
        }
    }

    private static TensorSpec spec(StoredTensors weights, String name) {
        return weights.tensors().stream()
                .filter(tensor -> tensor.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no tensor '" + name + "'"));
    }

    static DType type(TensorSpec tensor) {
        return switch (tensor.encoding()) {
            case Encoding.Plain(DType type) -> type;
            case Encoding.Blocks(var blocks) -> throw new IllegalStateException("safetensors with blocks of " + blocks);
        };
    }

    private static String some(List<String> names) {
        String first =
                "tensor '" + String.join("', '", names.subList(0, Math.min(names.size(), NAMES_IN_MESSAGE))) + "'";
        return names.size() > NAMES_IN_MESSAGE ? first + " and " + (names.size() - NAMES_IN_MESSAGE) + " more" : first;
    }

    private static MalformedFileException problem(ModelConfig config, String what) {
        return new MalformedFileException(
                SafetensorsFolder.SINGLE,
                -1,
                "the checkpoint (" + config.architecture().className() + ") " + what);
    }
}
