package io.millrace.tensors.architecture;

import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.TensorRole.Bias;
import io.millrace.tensors.architecture.TensorRole.Embedding;
import io.millrace.tensors.architecture.TensorRole.Linear;
import io.millrace.tensors.architecture.TensorRole.Norm;
import io.millrace.tensors.architecture.TensorRole.OutputHead;
import io.millrace.tensors.architecture.TensorRole.Router;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A family of decoders as data: which tensors it has, what they are called here and in GGUF, and in which few points its
 * forward pass differs from the plainest one. {@link KnownArchitectures} lists them all.
 *
 * @param className {@code architectures[0]} of its config.json
 * @param modelType {@code model_type} of its config.json
 * @param ggufName {@code general.architecture} of its GGUF files
 * @param perLayer the tensors of a layer
 * @param pattern in what layers differ from each other
 * @param traits in what the decoder differs from others
 * @param defaultHeadSize elements per head where config.json has no {@code head_dim}; empty for hidden size / heads
 * @param hiddenScaledLayers a model of this many layers divides scores by sqrt(hidden size / heads), one of any other
 *     by sqrt(head size): llama.cpp knows the scale by the number of layers alone; empty if there is no such model
 * @param expertKeys how config.json states a mixture of experts; empty for a decoder without
 */
public record Architecture(
        String className,
        String modelType,
        String ggufName,
        List<Template> perLayer,
        LayerPattern pattern,
        Set<Trait> traits,
        OptionalInt defaultHeadSize,
        OptionalInt hiddenScaledLayers,
        Optional<Experts.Keys> expertKeys) {

    private static final String WITH_HEAD = "ForCausalLM";

    private static final Template EMBEDDING =
            new Template("model.embed_tokens.weight", "token_embd.weight", new Embedding());
    private static final Template FINAL_NORM =
            new Template("model.norm.weight", "output_norm.weight", new Norm(Norm.Place.HEAD_INPUT));
    private static final Template HEAD = new Template("lm_head.weight", "output.weight", new OutputHead());

    private static final List<List<Projection>> FUSED = List.of(
            List.of(Projection.QUERY, Projection.KEY, Projection.VALUE),
            List.of(Projection.GATE, Projection.UP),
            List.of(Projection.EXPERT_GATE, Projection.EXPERT_UP, Projection.EXPERT_DOWN));

    public Architecture {
        perLayer = List.copyOf(perLayer);
        traits = Set.copyOf(traits);
    }

    /** The plainest decoder with these tensors. */
    static Architecture of(String className, String modelType, String ggufName, List<Template> perLayer) {
        return new Architecture(
                className,
                modelType,
                ggufName,
                perLayer,
                LayerPattern.ALIKE,
                Set.of(),
                OptionalInt.empty(),
                OptionalInt.empty(),
                Optional.empty());
    }

    Architecture with(Trait... more) {
        EnumSet<Trait> all = EnumSet.noneOf(Trait.class);
        all.addAll(traits);
        all.addAll(List.of(more));
        return copy(pattern, all, defaultHeadSize, hiddenScaledLayers, expertKeys);
    }

    Architecture pattern(LayerPattern other) {
        return copy(other, traits, defaultHeadSize, hiddenScaledLayers, expertKeys);
    }

    Architecture headSize(int size) {
        return copy(pattern, traits, OptionalInt.of(size), hiddenScaledLayers, expertKeys);
    }

    Architecture hiddenScaledAt(int layers) {
        return copy(pattern, traits, defaultHeadSize, OptionalInt.of(layers), expertKeys);
    }

    Architecture experts(String countKey, String sizeKey) {
        return copy(
                pattern, traits, defaultHeadSize, hiddenScaledLayers, Optional.of(new Experts.Keys(countKey, sizeKey)));
    }

    private Architecture copy(
            LayerPattern layers,
            Set<Trait> differences,
            OptionalInt headSize,
            OptionalInt scaledLayers,
            Optional<Experts.Keys> keys) {
        return new Architecture(
                className, modelType, ggufName, perLayer, layers, differences, headSize, scaledLayers, keys);
    }

    /** All that this version knows. */
    public static List<Architecture> known() {
        return KnownArchitectures.ALL;
    }

    /** Whether {@code architectures[0]} of a config.json means this decoder, with its head or as its body alone. */
    boolean named(String name) {
        return name.equals(className) || name.equals(bodyName());
    }

    /** What transformers' AutoModel calls the decoder without its head. */
    private String bodyName() {
        String family = className.substring(0, className.length() - WITH_HEAD.length());
        // "Gemma3Model" sees as well.
        return family + (modelType.endsWith("_text") ? "TextModel" : "Model");
    }

    public boolean has(Trait trait) {
        return traits.contains(trait);
    }

    /** True if q, k and v of this family carry biases. */
    public boolean attentionBias() {
        return perLayer.stream().anyMatch(template -> template.role() instanceof Bias);
    }

    /** Every tensor of a model with these numbers: embedding, the layers in order, final norm, head unless tied. */
    public List<TensorRule> tensors(ModelConfig config) {
        List<TensorRule> rules = new ArrayList<>();
        rules.add(rule(EMBEDDING, OptionalInt.empty(), OptionalInt.empty(), config));
        int experts = config.experts().map(Experts::count).orElse(0);
        for (int layer = 0; layer < config.layerCount(); layer++) {
            for (Template template : perLayer) {
                if (!template.perExpert()) {
                    rules.add(rule(template, OptionalInt.of(layer), OptionalInt.empty(), config));
                    continue;
                }
                for (int expert = 0; expert < experts; expert++) {
                    rules.add(rule(template, OptionalInt.of(layer), OptionalInt.of(expert), config));
                }
            }
        }
        rules.add(rule(FINAL_NORM, OptionalInt.empty(), OptionalInt.empty(), config));
        if (!config.tiedHead()) {
            rules.add(rule(HEAD, OptionalInt.empty(), OptionalInt.empty(), config));
        }
        return List.copyOf(rules);
    }

    /**
     * Names of the matrices that engines fuse into one, and which must therefore share a scheme: q k v, gate up, and all
     * experts of a layer.
     */
    public List<List<String>> schemeTies(ModelConfig config) {
        List<List<String>> ties = new ArrayList<>();
        for (int layer = 0; layer < config.layerCount(); layer++) {
            for (List<Projection> fused : FUSED) {
                List<String> names = new ArrayList<>();
                for (Projection projection : fused) {
                    names.addAll(matrices(layer, projection, config));
                }
                if (!names.isEmpty()) {
                    ties.add(List.copyOf(names));
                }
            }
        }
        return List.copyOf(ties);
    }

    /** The name of a projection's matrix in a layer. */
    public String matrix(int layer, Projection projection) {
        return find(layer, new Linear(projection))
                .orElseThrow(() -> new IllegalStateException(className + " has no projection " + projection));
    }

    /** The name of a layer's tensor in a role, if it has one; for experts see {@link #matrix(int, int, Projection)}. */
    public Optional<String> find(int layer, TensorRole role) {
        return template(role).map(template -> template.name(layer));
    }

    /** The name of an expert's matrix. */
    public String matrix(int layer, int expert, Projection projection) {
        return template(new Linear(projection))
                .orElseThrow(() -> new IllegalStateException(className + " has no projection " + projection))
                .name(layer, expert);
    }

    /** Tensors that old exporters stored although they follow from the config: rotary frequencies. */
    public static boolean derived(String tensorName) {
        return tensorName.endsWith("rotary_emb.inv_freq");
    }

    private Optional<Template> template(TensorRole role) {
        return perLayer.stream()
                .filter(template -> template.role().equals(role))
                .findFirst();
    }

    private List<String> matrices(int layer, Projection projection, ModelConfig config) {
        Optional<Template> template = template(new Linear(projection));
        if (template.isEmpty()) {
            return List.of();
        }
        List<String> names = new ArrayList<>();
        int copies = template.get().perExpert()
                ? config.experts().map(Experts::count).orElse(0)
                : 1;
        for (int expert = 0; expert < copies; expert++) {
            names.add(template.get().name(layer, expert));
        }
        return names;
    }

    private TensorRule rule(Template template, OptionalInt layer, OptionalInt expert, ModelConfig config) {
        TensorRole role = template.role();
        return new TensorRule(
                template.name(layer.orElse(0), expert.orElse(0)),
                shape(role, config),
                role,
                layer,
                expert,
                template.ggufName(layer.orElse(0)),
                permutedHeads(role, config),
                role instanceof Norm && has(Trait.NORM_OFFSET) ? 1 : 0);
    }

    private static Shape shape(TensorRole role, ModelConfig config) {
        return switch (role) {
            case Embedding _, OutputHead _ -> Shape.of(config.vocabularySize(), config.hiddenSize());
            case Norm(Norm.Place place) ->
                Shape.of(
                        switch (place) {
                            case QUERY, KEY -> config.headSize();
                            case ATTENTION_INPUT,
                                    ATTENTION_OUTPUT,
                                    FEED_FORWARD_INPUT,
                                    FEED_FORWARD_OUTPUT,
                                    HEAD_INPUT -> config.hiddenSize();
                        });
            case Router _ -> Shape.of(config.experts().map(Experts::count).orElse(0), config.hiddenSize());
            case Linear(Projection projection) -> projection.shape(config);
            case Bias(Projection projection) ->
                Shape.of(projection.shape(config).extent(0));
        };
    }

    private int permutedHeads(TensorRole role, ModelConfig config) {
        if (!has(Trait.INTERLEAVED_IN_GGUF)) {
            return 0;
        }
        Projection projection = switch (role) {
            case Linear(Projection which) -> which;
            case Bias(Projection which) -> which;
            case Embedding _, Norm _, Router _, OutputHead _ -> Projection.VALUE;
        };
        return switch (projection) {
            case QUERY -> config.headCount();
            case KEY -> config.keyValueHeadCount();
            case VALUE, ATTENTION_OUTPUT, GATE, UP, DOWN, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> 0;
            case QUERY_KEY_VALUE, GATE_UP ->
                throw new IllegalStateException("GGUF interleaves no rows of fused matrices");
        };
    }
}
