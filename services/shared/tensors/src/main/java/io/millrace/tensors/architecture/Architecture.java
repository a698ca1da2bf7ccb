package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig.Family;
import io.millrace.tensors.architecture.TensorRole.Bias;
import io.millrace.tensors.architecture.TensorRole.Embedding;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.architecture.TensorRole.Norm;
import io.millrace.tensors.architecture.TensorRole.OutputHead;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A family of decoders as data: which tensors it has, what they are called here and in GGUF, and which of them an
 * inference engine fuses. Names hold {@code #} where the layer's number goes.
 *
 * @param className {@code architectures[0]} of its config.json
 * @param modelType {@code model_type} of its config.json
 * @param ggufName {@code general.architecture} of its GGUF files
 * @param permutesRotary GGUF interleaves the rotary halves of q and k rows
 */
public record Architecture(
        Family family,
        String className,
        String modelType,
        String ggufName,
        boolean permutesRotary,
        List<Template> perLayer) {

    /** A tensor of every layer. */
    public record Template(String name, String ggufName, TensorRole role) {}

    private static final List<Template> GATED_DECODER = List.of(
            new Template("model.layers.#.input_layernorm.weight", "blk.#.attn_norm.weight", new Norm()),
            linear("self_attn.q_proj", "attn_q", Projection.QUERY),
            linear("self_attn.k_proj", "attn_k", Projection.KEY),
            linear("self_attn.v_proj", "attn_v", Projection.VALUE),
            linear("self_attn.o_proj", "attn_output", Projection.ATTENTION_OUTPUT),
            new Template("model.layers.#.post_attention_layernorm.weight", "blk.#.ffn_norm.weight", new Norm()),
            linear("mlp.gate_proj", "ffn_gate", Projection.GATE),
            linear("mlp.up_proj", "ffn_up", Projection.UP),
            linear("mlp.down_proj", "ffn_down", Projection.DOWN));

    private static final List<Architecture> KNOWN = List.of(
            new Architecture(Family.LLAMA, "LlamaForCausalLM", "llama", "llama", true, GATED_DECODER),
            new Architecture(Family.MISTRAL, "MistralForCausalLM", "mistral", "llama", true, GATED_DECODER),
            new Architecture(
                    Family.QWEN2,
                    "Qwen2ForCausalLM",
                    "qwen2",
                    "qwen2",
                    false,
                    with(
                            GATED_DECODER,
                            bias("self_attn.q_proj", "attn_q", Projection.QUERY),
                            bias("self_attn.k_proj", "attn_k", Projection.KEY),
                            bias("self_attn.v_proj", "attn_v", Projection.VALUE))));

    public Architecture {
        perLayer = List.copyOf(perLayer);
    }

    /** All that this version knows. */
    public static List<Architecture> known() {
        return KNOWN;
    }

    public static Architecture of(Family family) {
        for (Architecture architecture : KNOWN) {
            if (architecture.family == family) {
                return architecture;
            }
        }
        throw new IllegalStateException("no architecture describes the family " + family);
    }

    /** True if q, k and v of this family carry biases. */
    public boolean attentionBias() {
        return perLayer.stream().anyMatch(template -> template.role() instanceof Bias);
    }

    /** Every tensor of a model with these numbers: embedding, the layers in order, final norm, head unless tied. */
    public List<TensorRule> tensors(ModelConfig config) {
        List<TensorRule> rules = new ArrayList<>();
        rules.add(rule(
                new Template("model.embed_tokens.weight", "token_embd.weight", new Embedding()),
                OptionalInt.empty(),
                config));
        for (int layer = 0; layer < config.layerCount(); layer++) {
            for (Template template : perLayer) {
                rules.add(rule(template, OptionalInt.of(layer), config));
            }
        }
        rules.add(
                rule(new Template("model.norm.weight", "output_norm.weight", new Norm()), OptionalInt.empty(), config));
        if (!config.tiedHead()) {
            rules.add(rule(
                    new Template("lm_head.weight", "output.weight", new OutputHead()), OptionalInt.empty(), config));
        }
        return List.copyOf(rules);
    }

    /** Names of the matrices that engines fuse into one, and which must therefore share a scheme: q k v, gate up. */
    public List<List<String>> schemeTies(ModelConfig config) {
        List<List<String>> ties = new ArrayList<>();
        for (int layer = 0; layer < config.layerCount(); layer++) {
            ties.add(matrices(layer, List.of(Projection.QUERY, Projection.KEY, Projection.VALUE)));
            ties.add(matrices(layer, List.of(Projection.GATE, Projection.UP)));
        }
        return List.copyOf(ties);
    }

    /** The name of a projection's matrix in a layer. */
    public String matrix(int layer, Projection projection) {
        for (Template template : perLayer) {
            if (template.role() instanceof Linear(Projection which) && which == projection) {
                return numbered(template.name(), layer);
            }
        }
        throw new IllegalStateException(className + " has no projection " + projection);
    }

    /** Tensors that old exporters stored although they follow from the config: rotary frequencies. */
    public static boolean derived(String tensorName) {
        return tensorName.endsWith("rotary_emb.inv_freq");
    }

    private List<String> matrices(int layer, List<Projection> projections) {
        return projections.stream().map(projection -> matrix(layer, projection)).toList();
    }

    private TensorRule rule(Template template, OptionalInt layer, ModelConfig config) {
        String name = layer.isEmpty() ? template.name() : numbered(template.name(), layer.getAsInt());
        String gguf = layer.isEmpty() ? template.ggufName() : numbered(template.ggufName(), layer.getAsInt());
        TensorRole role = template.role();
        return new TensorRule(name, shape(role, config), role, layer, gguf, permutedHeads(role, config));
    }

    private static Shape shape(TensorRole role, ModelConfig config) {
        return switch (role) {
            case Embedding _, OutputHead _ -> Shape.of(config.vocabularySize(), config.hiddenSize());
            case Norm _ -> Shape.of(config.hiddenSize());
            case Linear(Projection projection) -> projection.shape(config);
            case Bias(Projection projection) ->
                Shape.of(projection.shape(config).extent(0));
        };
    }

    private int permutedHeads(TensorRole role, ModelConfig config) {
        Projection projection = switch (role) {
            case Linear(Projection which) -> which;
            case Bias(Projection which) -> which;
            case Embedding _, Norm _, OutputHead _ -> Projection.VALUE;
        };
        if (!permutesRotary) {
            return 0;
        }
        return switch (projection) {
            case QUERY -> config.headCount();
            case KEY -> config.keyValueHeadCount();
            case VALUE, ATTENTION_OUTPUT, GATE, UP, DOWN -> 0;
        };
    }

    private static Template linear(String module, String gguf, Projection projection) {
        return new Template(
                "model.layers.#." + module + ".weight", "blk.#." + gguf + ".weight", new Linear(projection));
    }

    private static Template bias(String module, String gguf, Projection projection) {
        return new Template("model.layers.#." + module + ".bias", "blk.#." + gguf + ".bias", new Bias(projection));
    }

    private static List<Template> with(List<Template> base, Template... more) {
        List<Template> all = new ArrayList<>(base);
        all.addAll(List.of(more));
        return all;
    }

    private static String numbered(String template, int layer) {
        return template.replace("#", Integer.toString(layer));
    }
}
