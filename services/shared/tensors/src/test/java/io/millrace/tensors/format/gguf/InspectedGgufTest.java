package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspector;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InspectedGgufTest {
    @TempDir
    Path parent;

    /** Phi-3 has two tensors of rotary divisors. */
    @ParameterizedTest
    @ValueSource(strings = {"LlamaForCausalLM", "Phi3ForCausalLM"})
    void whatIsCountedIsTheModelsWeights(String className) throws Exception {
        Path folder = GgufModels.folder(parent, TinyModels.of(className));
        Path file = folder.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q8_0, file, 1);

        Inspection found = Inspector.inspect(file);

        long weights;
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            weights = checkpoint.tensors().stream()
                    .map(TensorSpec::shape)
                    .mapToLong(shape -> shape.elements())
                    .sum();
        }
        long bytes =
                found.tensors().stream().mapToLong(Inspection.Tensor::bytes).sum();
        assertThat(found.parameters()).contains(weights);
        assertThat(found.tensorBytes()).isEqualTo(bytes);
        assertThat(found.fileBytes()).isEqualTo(Files.size(file)).isGreaterThan(bytes);
        assertThat(found.bitsPerWeight()).contains(bytes * 8.0 / weights);
        List<Inspection.TypeTotal> totals = found.totals();
        assertThat(totals).extracting(Inspection.TypeTotal::type).containsExactly("Q8_0", "F32");
        assertThat(totals.stream().mapToLong(Inspection.TypeTotal::bytes).sum()).isEqualTo(bytes);
    }
}
