package io.millrace.tensors.architecture;

import io.millrace.tensors.architecture.TensorRole.Bias;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.architecture.TensorRole.Norm;
import io.millrace.tensors.architecture.TensorRole.Router;

/**
 * A tensor of every layer. Its names hold {@code #} where the layer's number goes, and Hugging Face's holds {@code @}
 * where an expert's goes.
 */
public record Template(String name, String ggufName, TensorRole role) {
    private static final String LAYER = "#";
    private static final String EXPERT = "@";

    static Template linear(String module, String gguf, Projection projection) {
        return of(module + ".weight", gguf + ".weight", new Linear(projection));
    }

    static Template bias(String module, String gguf, Projection projection) {
        return of(module + ".bias", gguf + ".bias", new Bias(projection));
    }

    static Template norm(String module, String gguf, Norm.Place place) {
        return of(module + ".weight", gguf + ".weight", new Norm(place));
    }

    static Template router(String module) {
        return of(module + ".weight", "ffn_gate_inp.weight", new Router());
    }

    private static Template of(String name, String gguf, TensorRole role) {
        return new Template("model.layers." + LAYER + "." + name, "blk." + LAYER + "." + gguf, role);
    }

    /** True if every expert of a layer has one. */
    boolean perExpert() {
        return name.contains(EXPERT);
    }

    String name(int layer) {
        return name.replace(LAYER, Integer.toString(layer));
    }

    String name(int layer, int expert) {
        return name(layer).replace(EXPERT, Integer.toString(expert));
    }

    String ggufName(int layer) {
        return ggufName.replace(LAYER, Integer.toString(layer));
    }
}
