package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.Trait;
import java.util.List;
import java.util.function.Consumer;

/** A gated feed-forward network, or what stands in its place: x [.., hidden] → [.., hidden]. */
sealed interface FeedForward permits FeedForward.Gated, FeedForward.Watched, ExpertMixture {
    NDArray apply(NDArray x);

    static FeedForward of(ModelConfig config, int index, WeightTable weights) {
        if (config.experts().isPresent()) {
            return ExpertMixture.of(config, config.experts().get(), index, weights);
        }
        Architecture names = config.architecture();
        List<LinearMap> inputs = names.find(index, new TensorRole.Linear(Projection.GATE_UP))
                .map(fused -> List.of(LinearMap.of(weights, fused)))
                .orElseGet(() -> List.of(
                        LinearMap.of(weights, names.matrix(index, Projection.GATE)),
                        LinearMap.of(weights, names.matrix(index, Projection.UP))));
        return new Gated(inputs, LinearMap.of(weights, names.matrix(index, Projection.DOWN)), names.has(Trait.GELU));
    }

    /** down(activation(gate(x)) · up(x)). */
    record Gated(
            List<LinearMap> inputs, // gate, up [inner, hidden]; or one matrix of all their rows
            LinearMap down, // [hidden, inner]
            boolean gelu)
            implements FeedForward {
        @Override
        public NDArray apply(NDArray x) {
            return down.apply(neurons(x));
        }

        /** activation(gate(x)) · up(x), [.., inner]: one number for each neuron. */
        NDArray neurons(NDArray x) {
            NDArray gate = inputs.getFirst().apply(x);
            NDArray up;
            if (inputs.size() > 1) {
                up = inputs.get(1).apply(x);
            } else {
                NDList halves = gate.split(2, gate.getShape().dimension() - 1);
                gate = halves.get(0);
                up = halves.get(1);
            }
            return (gelu ? gelu(gate) : silu(gate)).mul(up);
        }

        private static NDArray silu(NDArray x) {
            return x.mul(x.getNDArrayInternal().sigmoid());
        }

        /** x/2 · (1 + tanh(sqrt(2/π) · (x + 0.044715 x³))). */
        private static NDArray gelu(NDArray x) {
            NDArray cubic = x.square().mul(x).mul(TensorRuntime.scalar(x.getManager(), 0.044715));
            NDArray inner = x.add(cubic)
                    .mul(TensorRuntime.scalar(x.getManager(), Math.sqrt(2 / Math.PI)))
                    .tanh();
            NDArray half = x.mul(TensorRuntime.scalar(x.getManager(), 0.5));
            return half.mul(inner).add(half);
        }
    }

    /** The same network, whose neurons somebody sees before they go into down. */
    record Watched(Gated network, Consumer<NDArray> watch) implements FeedForward {
        @Override
        public NDArray apply(NDArray x) {
            NDArray neurons = network.neurons(x);
            watch.accept(neurons);
            return network.down().apply(neurons);
        }
    }
}
