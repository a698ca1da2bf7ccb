package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The numbers of a decoder-only language model, as its {@code config.json} states them.
 *
 * @param family which rules its tensors follow
 * @param hiddenSize width of the residual stream
 * @param feedForwardSize rows of gate and up, row length of down
 * @param headSize elements per attention head; hiddenSize / headCount unless {@code head_dim} says otherwise
 * @param maxPositions longest context, tokens
 * @param slidingWindow attention reaches this many tokens back, itself included; empty for all
 * @param attentionBias whether q, k and v carry biases (Qwen2 always does)
 * @param tiedHead the output head is the embedding
 * @param json the whole file, for what is copied to an output unchanged
 */
public record ModelConfig(
        Family family,
        String name,
        int vocabularySize,
        int hiddenSize,
        int feedForwardSize,
        int layerCount,
        int headCount,
        int keyValueHeadCount,
        int headSize,
        int maxPositions,
        double normEpsilon,
        double ropeTheta,
        Optional<RopeScaling> ropeScaling,
        OptionalInt slidingWindow,
        boolean attentionBias,
        boolean tiedHead,
        ObjectNode json) {

    /** Reads and checks a {@code config.json}. */
    public static ModelConfig parse(Path file) throws IOException {
        return of(StrictJson.readFile(file, ConfigParser.LIMIT_BYTES), String.valueOf(file.getFileName()));
    }

    /** Checks the content of a {@code config.json}; {@code file} is its name in messages. */
    public static ModelConfig of(ObjectNode json, String file) throws MalformedFileException {
        return new ConfigParser(json, file).parse();
    }

    /** The names, roles and shapes of the model's tensors. */
    public Architecture architecture() {
        return Architecture.of(family);
    }

    /** Families of decoders that share tensor names and a forward pass, up to the differences their data states. */
    public enum Family {
        LLAMA,
        MISTRAL,
        QWEN2
    }

    /** Llama 3's frequency scaling: long wavelengths divided by factor, short ones kept, smooth in between. */
    public record RopeScaling(
            double factor, double lowFrequencyFactor, double highFrequencyFactor, int originalPositions) {}
}
