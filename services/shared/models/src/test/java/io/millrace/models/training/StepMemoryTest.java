package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.models.AvailableMemory;
import io.millrace.models.NotEnoughMemoryException;
import io.millrace.models.TestModels;
import io.millrace.tensors.architecture.ModelConfig;
import org.junit.jupiter.api.Test;

class StepMemoryTest {
    private static final TrainingSettings SETTINGS = new TrainingSettings(10, 8, 128, OptimizerSettings.of(1e-4, 1), 0);

    // 22 layers of 44M weights, 131M in embedding and head: 1.1 billion.
    private static final ModelConfig BILLION = TestModels.config(
            "LlamaForCausalLM",
            "llama",
            "\"hidden_size\": 2048, \"intermediate_size\": 5632, \"num_hidden_layers\": 22,"
                    + " \"num_attention_heads\": 32, \"num_key_value_heads\": 4, \"head_dim\": 64,"
                    + " \"vocab_size\": 32000, \"tie_word_embeddings\": false");
    private static final long HEAD = 32000L * 2048;

    // 16 bytes a weight, the teacher's head and six tensors of 16M logits; 0.33 GB for each layer.
    private static final long KEPT = 25_970_507_776L;
    private static final long ONCE = 18_213_142_528L;

    @Test
    void layersAreKeptWhereThereIsRoom() {
        assertThat(StepMemory.ofDistillation(BILLION, HEAD, SETTINGS, 64L << 30))
                .isEqualTo(new StepMemory(524, false, KEPT));
    }

    @Test
    void layersAreComputedTwiceWhereTheyWouldNotFit() {
        assertThat(StepMemory.ofDistillation(BILLION, HEAD, SETTINGS, 22L << 30))
                .isEqualTo(new StepMemory(524, true, ONCE));
        assertThat(StepMemory.ofDistillation(BILLION, HEAD, SETTINGS, 28L << 30))
                .as("a fifth stays free")
                .isEqualTo(new StepMemory(524, true, ONCE));
    }

    /** 16 bytes a weight are 16.4 GiB, the teacher's head is 0.24 and one layer 0.29. */
    @Test
    void whatCanNotFitIsNotBegun() {
        assertThatThrownBy(() -> StepMemory.ofDistillation(BILLION, HEAD, SETTINGS, 12L << 30))
                .isInstanceOf(NotEnoughMemoryException.class)
                .hasMessage("not enough memory to distill a model of 1,100,048,384 parameters with 8 sequences of 128"
                        + " tokens a step: it takes 17.0 GiB or more, and 12.0 GiB are available");
    }

    /** Six tokens of 2 experts of 24 each keep as much as six of a feed-forward of 48 would. */
    @Test
    void aLayerOfExpertsKeepsWhatTheChosenOnesMake() {
        ModelConfig experts = TestModels.mixtral();
        long parameters = experts.architecture().tensors(experts).stream()
                .mapToLong(rule -> rule.shape().elements())
                .sum();
        TrainingSettings settings = new TrainingSettings(1, 2, 3, OptimizerSettings.of(1e-4, 1), 0);
        long logits = 4L * 6 * (1 << 24);
        long layer = 4L * (20 * 16 + 5 * (2 * 24) + 4 * 4 * 3) * 2 * 3;

        assertThat(StepMemory.ofDistillation(experts, 0, settings, 64L << 30))
                .isEqualTo(new StepMemory((1 << 24) / 260, false, 16 * parameters + logits + 2 * layer));
    }

    @Test
    void somethingIsAvailableHere() {
        assertThat(AvailableMemory.bytes()).isBetween(1L << 20, 1L << 50);
    }
}
