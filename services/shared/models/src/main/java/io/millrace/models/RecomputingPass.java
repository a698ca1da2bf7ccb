package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.List;

/**
 * A forward pass that keeps only what went into each layer, and a backward pass that computes each layer once more (Chen et
 * al., 2016): a third more time, and in place of what all layers keep for their gradients, what one does. The gradients
 * are those of {@link CausalLanguageModel#hidden}, bit by bit.
 */
public final class RecomputingPass {
    private final CausalLanguageModel model;
    private final NDArray tokens;
    private final AttentionContext context;
    private final NDArray[] inputs; // of each layer and of the final norm, [batch, length, hidden]

    private RecomputingPass(CausalLanguageModel model, NDArray tokens) {
        this.model = model;
        this.tokens = tokens;
        int length = Math.toIntExact(tokens.getShape().get(1));
        context = new AttentionContext(tokens.getManager(), model.config(), length, null);
        inputs = new NDArray[model.layers().size() + 1];
    }

    /**
     * Forward; no gradients are recorded.
     *
     * @param tokens [batch, length] i64, in whose scope everything lies
     */
    public static <E extends Exception> RecomputingPass of(
            CausalLanguageModel model, NDArray tokens, LayerWatch<E> watch) throws E {
        RecomputingPass pass = new RecomputingPass(model, tokens);
        List<DecoderLayer> layers = model.layers();
        NDManager scope = tokens.getManager();
        pass.inputs[0] = model.embedded(tokens);
        for (int i = 0; i < layers.size(); i++) {
            try (NDManager inner = scope.newSubManager()) {
                NDArray x = pass.inputs[i];
                x.attach(inner);
                NDArray y = layers.get(i).forward(x, pass.context);
                x.attach(scope);
                y.attach(scope);
                pass.inputs[i + 1] = y;
            }
            watch.passed(i + 1, layers.size());
        }
        return pass;
    }

    /** Last hidden states, normed, [batch, length, hidden]. */
    public NDArray hidden() {
        return model.finalNorm().apply(inputs[inputs.length - 1]);
    }

    /**
     * From the gradient of {@link #hidden} to that of every weight but the head's; called while gradients are recorded.
     */
    public void backward(NDArray gradient) {
        NDManager scope = tokens.getManager();
        NDArray following = gradient;
        for (int i = inputs.length - 1; i >= 0; i--) {
            try (NDManager inner = scope.newSubManager()) {
                NDArray x = inputs[i];
                x.attach(inner);
                following.attach(inner);
                x.setRequiresGradient(true);
                NDArray y = i == inputs.length - 1
                        ? model.finalNorm().apply(x)
                        : model.layers().get(i).forward(x, context);
                TensorRuntime.backward(y, following);
                following = x.getGradient();
                following.attach(scope);
            }
        }
        TensorRuntime.backward(model.embedded(tokens), following);
    }
}
