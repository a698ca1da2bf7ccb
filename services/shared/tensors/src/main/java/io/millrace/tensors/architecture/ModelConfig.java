package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/**
 * The numbers of a decoder-only language model, as its {@code config.json} states them.
 *
 * @param architecture which tensors it has, and how its forward pass differs from others
 * @param name what the checkpoint calls itself; empty where it does not
 * @param hiddenSize width of the residual stream
 * @param feedForwardSize rows of gate and up, row length of down; not the size of an expert
 * @param headSize elements per attention head; hiddenSize / headCount unless {@code head_dim} says otherwise
 * @param rotarySize elements of a head that positions turn, from its first on; the others stay as they are
 * @param maxPositions longest context, tokens
 * @param attentionScale what the product of a query and a key is multiplied by
 * @param ropeTheta base of the rotary angles in layers that have none of their own
 * @param ropeScaling likewise
 * @param slidingWindow tokens that layers with a window reach back, the query included; empty if no layer has one
 * @param attention how each layer attends, one entry per layer
 * @param scoreCap scores pass through cap · tanh(score / cap)
 * @param logitCap logits likewise
 * @param tiedHead the output head is the embedding
 * @param json the whole file, for what is copied to an output unchanged; of a multimodal model what its text model says
 *     by itself
 * @param multimodal the whole file of the multimodal model whose text model this is; empty for a model of text alone
 */
public record ModelConfig(
        Architecture architecture,
        Optional<String> name,
        int vocabularySize,
        int hiddenSize,
        int feedForwardSize,
        int layerCount,
        int headCount,
        int keyValueHeadCount,
        int headSize,
        int rotarySize,
        int maxPositions,
        double normEpsilon,
        double attentionScale,
        double ropeTheta,
        Optional<RopeScaling> ropeScaling,
        OptionalInt slidingWindow,
        List<LayerAttention> attention,
        OptionalDouble scoreCap,
        OptionalDouble logitCap,
        Optional<Experts> experts,
        boolean tiedHead,
        ObjectNode json,
        Optional<ObjectNode> multimodal) {

    /** Where a config.json says that the weights are codes of a scheme of the literature, written out as dense numbers. */
    public static final String LITERATURE_SCHEME = "literature_scheme";

    public ModelConfig {
        attention = List.copyOf(attention);
    }

    /** Reads and checks a {@code config.json}. */
    public static ModelConfig parse(Path file) throws IOException {
        return of(StrictJson.readFile(file, ConfigParser.LIMIT_BYTES), String.valueOf(file.getFileName()));
    }

    /** Checks the content of a {@code config.json}; {@code file} is its name in messages. */
    public static ModelConfig of(ObjectNode json, String file) throws MalformedFileException {
        Optional<Multimodal> whole = Multimodal.of(json);
        ObjectNode text = whole.isPresent() ? whole.get().text(json, file) : json;
        return new ConfigParser(text, file).parse(whole.map(_ -> json));
    }

    /** {@link #json}, with the class that has a head where it names that of the body alone: for outputs that have one. */
    public ObjectNode headed() {
        ObjectNode headed = json.deepCopy();
        if (headed.hasNonNull("architectures")) {
            headed.putArray("architectures").add(architecture.className());
        }
        return headed;
    }

    /** The name that this model gives to a stored tensor: within a multimodal model it lies behind a prefix. */
    public String textName(String stored) {
        return multimodal.isPresent() ? Multimodal.textName(stored) : stored;
    }

    /** What others may call a tensor or module of this model, its own name first. */
    public List<String> names(String name) {
        return multimodal.isPresent() ? Multimodal.names(name) : List.of(name);
    }

    /** Whether a stored tensor belongs to the part of a multimodal model that sees, and so not to this model. */
    public boolean seeing(String stored) {
        return multimodal.isPresent() && Multimodal.seeing(stored);
    }
}
