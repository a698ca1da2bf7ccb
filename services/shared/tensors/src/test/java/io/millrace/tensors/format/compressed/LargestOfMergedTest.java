package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.TinyModels;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LargestOfMergedTest {
    static List<ObjectNode> each() throws IOException {
        return TinyModels.each();
    }

    @ParameterizedTest
    @MethodSource("each")
    void eachMatrixIsReadOnceAndCountsForAllThatAreMergedWithIt(ObjectNode json) throws Exception {
        ModelConfig config = ModelConfig.of(json, "config.json");
        List<TensorRule> linear = config.architecture().tensors(config).stream()
                .filter(rule -> rule.role() instanceof TensorRole.Linear)
                .toList();
        Map<String, Float> magnitudes = new HashMap<>();
        linear.forEach(rule -> magnitudes.put(rule.name(), 1f + (magnitudes.size() * 7) % 31));
        List<String> read = new ArrayList<>();
        LargestOfMerged largest = new LargestOfMerged(linear, rule -> {
            read.add(rule.name());
            return magnitudes.getOrDefault(rule.name(), Float.NaN);
        });

        for (TensorRule rule : linear) {
            float expected = MergedModules.of(rule, linear).stream()
                    .map(one -> magnitudes.getOrDefault(one.name(), Float.NaN))
                    .max(Float::compare)
                    .orElseThrow();
            assertThat(largest.of(rule)).as(rule.name()).isEqualTo(expected);
        }

        assertThat(read)
                .doesNotHaveDuplicates()
                .containsExactlyInAnyOrderElementsOf(
                        linear.stream().map(TensorRule::name).toList());
    }
}
