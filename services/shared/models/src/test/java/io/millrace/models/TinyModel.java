package io.millrace.models;

import io.millrace.models.ScalarDecoder.Fault;
import io.millrace.tensors.architecture.ModelConfig;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A tiny model of each architecture, and the mistakes that a comparison of its logits must see.
 *
 * @param name of its file of golden logits
 */
public record TinyModel(String name, ModelConfig config, Set<Fault> faults) {
    private static final long SEED = 21;
    /** Large enough that logits are spread and attention is sharp: then a mistake shows. */
    private static final double DEVIATION = 0.4;

    /** Each of them; a new architecture belongs here. */
    public static Stream<TinyModel> all() {
        return Stream.of(
                new TinyModel("llama", TestModels.llama(), Set.of(Fault.WRONG_ROTARY_BASE, Fault.INTERLEAVED_QUERIES)),
                new TinyModel("llama3", TestModels.llama3(), Set.of(Fault.WRONG_ROTARY_BASE, Fault.NO_ROTARY_SCALING)),
                new TinyModel(
                        "mistral",
                        TestModels.mistralOfWideWindow(),
                        Set.of(Fault.WRONG_ROTARY_BASE, Fault.INTERLEAVED_QUERIES)),
                new TinyModel("qwen2", TestModels.qwen2(), Set.of(Fault.INTERLEAVED_QUERIES)),
                new TinyModel("qwen3", TestModels.qwen3(), Set.of(Fault.WRONG_ROTARY_BASE, Fault.NO_QUERY_NORM)),
                new TinyModel(
                        "gemma2",
                        TestModels.gemma2(),
                        Set.of(
                                Fault.NO_SCORE_CAP,
                                Fault.NO_LOGIT_CAP,
                                Fault.NO_WINDOW,
                                Fault.WINDOW_ONE_TOO_WIDE,
                                Fault.NO_NORM_OFFSET,
                                Fault.NO_POST_NORM,
                                Fault.NO_EMBEDDING_SCALE,
                                Fault.SILU_FOR_GELU)),
                new TinyModel(
                        "gemma3",
                        TestModels.gemma3(),
                        Set.of(
                                Fault.NO_WINDOW,
                                Fault.WINDOW_ONE_TOO_WIDE,
                                Fault.ONE_ROTARY_BASE,
                                Fault.NO_ROTARY_SCALING,
                                Fault.NO_QUERY_NORM,
                                Fault.NO_NORM_OFFSET,
                                Fault.WRONG_ROTARY_BASE)),
                new TinyModel("phi3", TestModels.phi3(), Set.of(Fault.GATE_AND_UP_SWAPPED, Fault.WRONG_ROTARY_BASE)),
                new TinyModel("phi3-short", TestModels.phi3(512), Set.of(Fault.NO_ROTARY_SCALING)),
                new TinyModel("phi3-long", TestModels.phi3(64), Set.of(Fault.NO_ROTARY_SCALING)),
                new TinyModel("phi4", TestModels.phi4(), Set.of(Fault.WHOLE_HEADS_TURN, Fault.NO_ROTARY_SCALING)),
                new TinyModel(
                        "yarn",
                        TestModels.yarn("LlamaForCausalLM", "llama"),
                        Set.of(Fault.NO_ROTARY_SCALING, Fault.NO_ATTENTION_FACTOR, Fault.INTERLEAVED_QUERIES)),
                new TinyModel(
                        "yarn-qwen2",
                        TestModels.yarn("Qwen2ForCausalLM", "qwen2"),
                        Set.of(Fault.NO_ROTARY_SCALING, Fault.NO_ATTENTION_FACTOR)),
                new TinyModel(
                        "mixtral",
                        TestModels.mixtral(),
                        Set.of(Fault.SHARES_NOT_RENORMALISED, Fault.ONE_EXPERT_LESS, Fault.INTERLEAVED_QUERIES)),
                new TinyModel(
                        "qwen3moe",
                        TestModels.qwen3moe(),
                        Set.of(Fault.SHARES_NOT_RENORMALISED, Fault.ONE_EXPERT_LESS, Fault.NO_QUERY_NORM)),
                new TinyModel(
                        "smollm3",
                        TestModels.smollm3(),
                        Set.of(Fault.ROTARY_IN_EVERY_LAYER, Fault.INTERLEAVED_QUERIES)));
    }

    public TestModels.Weights weights() {
        return TestModels.weights(config, SEED, DEVIATION);
    }

    @Override
    public String toString() {
        return name;
    }
}
