package io.millrace.tensors.format.onnx;

import io.millrace.tensors.architecture.ModelConfig;
import java.util.List;

/**
 * The inputs and outputs of a decoder's graph.
 *
 * <pre>
 * input_ids, attention_mask             INT64 [batch_size, sequence_length], [batch_size, total_sequence_length]
 * past_key_values.L.key, .value         FLOAT [batch_size, key-value heads, past_sequence_length, head size]
 * logits                                FLOAT [batch_size, sequence_length, vocabulary]
 * present.L.key, .value                 FLOAT [batch_size, key-value heads, total_sequence_length, head size]
 * </pre>
 */
final class DecoderPorts {
    static final String INPUT_IDS = "input_ids";
    static final String ATTENTION_MASK = "attention_mask";
    static final String LOGITS = "logits";
    /** With the layer's number for %d. */
    static final String PAST = "past_key_values.%d.";

    static final String PRESENT = "present.%d.";
    static final String KEY = "key";
    static final String VALUE = "value";

    private DecoderPorts() {}

    static void declare(GraphWriter graph, ModelConfig config) {
        graph.input(INPUT_IDS, ElementType.INT64, List.of("batch_size", "sequence_length"));
        graph.input(ATTENTION_MASK, ElementType.INT64, List.of("batch_size", "total_sequence_length"));
        graph.output(
                LOGITS, ElementType.FLOAT, List.of("batch_size", "sequence_length", (long) config.vocabularySize()));
        for (int layer = 0; layer < config.layerCount(); layer++) {
            for (String which : List.of(KEY, VALUE)) {
                graph.input(past(layer, which), ElementType.FLOAT, cache(config, "past_sequence_length"));
                graph.output(present(layer, which), ElementType.FLOAT, cache(config, "total_sequence_length"));
            }
        }
    }

    private static List<Object> cache(ModelConfig config, String length) {
        return List.of("batch_size", (long) config.keyValueHeadCount(), length, (long) config.headSize());
    }

    static String past(int layer, String which) {
        return PAST.replace("%d", Integer.toString(layer)) + which;
    }

    static String present(int layer, String which) {
        return PRESENT.replace("%d", Integer.toString(layer)) + which;
    }
}
