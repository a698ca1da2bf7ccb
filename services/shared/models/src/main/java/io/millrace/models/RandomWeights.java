package io.millrace.models;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * Initial weights as GPT-2 draws them: normal with deviation 0.02 (or config.json's initializer_range), divided by
 * sqrt(2 · layers) for the matrices that write into the residual stream; gains of norms 1, biases 0.
 */
final class RandomWeights implements WeightFiller {
    private final SplittableRandom random;
    private final double deviation;
    private final double residual;
    private final float gain;
    private final Set<String> writingResidual;

    RandomWeights(ModelConfig config, long seed) {
        gain = config.architecture().has(Trait.NORM_OFFSET) ? 0 : 1;
        writingResidual = config.architecture().tensors(config).stream()
                .filter(rule -> rule.role() instanceof TensorRole.Linear(var projection) && projection.writesResidual())
                .map(TensorRule::name)
                .collect(Collectors.toSet());
        random = new SplittableRandom(seed);
        deviation = config.json().path("initializer_range").asDouble(0.02);
        residual = 1 / Math.sqrt(2.0 * config.layerCount());
    }

    @Override
    public NDArray fill(NDManager scope, TensorSpec spec) throws IOException {
        float[] values = new float[Math.toIntExact(spec.shape().elements())];
        if (spec.shape().rank() == 1) {
            java.util.Arrays.fill(values, spec.name().endsWith(".bias") ? 0 : gain);
        } else {
            double scale = writingResidual.contains(spec.name()) ? deviation * residual : deviation;
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) (random.nextGaussian() * scale);
            }
        }
        // Into memory of the engine: an array would stay in a Java buffer, whose alignment changes the last bits of
        // products.
        NDArray weight = TensorRuntime.allocate(scope, DataType.FLOAT32, EngineTensors.shape(spec.shape()));
        int rowLength = (int) spec.shape().rowLength();
        EngineTensors.write(
                weight,
                (from, to, bytes) -> MemorySegment.copy(
                        values, (int) from * rowLength, bytes, JAVA_FLOAT, 0, (int) (to - from) * rowLength));
        return weight;
    }
}
