package io.millrace.tensors.format.gguf;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.Experts;
import io.millrace.tensors.architecture.LayerPattern;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.json.StrictJson;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * Reads a model's numbers from GGUF metadata: from the config.json that our own files carry, which must agree with the
 * keys, or else from the keys alone.
 */
final class GgufConfig {
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final GgufReader reader;

    private GgufConfig(GgufReader reader) {
        this.reader = reader;
    }

    static ModelConfig of(GgufReader reader) throws MalformedFileException {
        return new GgufConfig(reader).config();
    }

    private ModelConfig config() throws MalformedFileException {
        ObjectNode stated = fromKeys();
        ModelConfig fromKeys = ModelConfig.of(stated, reader.file());
        if (!(reader.header().metadata().get(ModelKeys.CONFIG) instanceof GgufValue.Text(String json))) {
            return fromKeys;
        }
        ModelConfig whole = ModelConfig.of(
                StrictJson.parse(ByteBuffer.wrap(json.getBytes(StandardCharsets.UTF_8)), reader.file(), 0),
                reader.file());
        requireAgreement(fromKeys, whole);
        return whole;
    }

    private ObjectNode fromKeys() throws MalformedFileException {
        Architecture architecture = architecture();
        String prefix = architecture.ggufName() + ".";
        ObjectNode json = StrictJson.object();
        json.putArray("architectures").add(architecture.className());
        json.put("model_type", architecture.modelType());
        if (reader.header().metadata().get(ModelKeys.NAME) instanceof GgufValue.Text(String name)) {
            json.put("_name_or_path", name);
        }
        long heads = whole(prefix + ModelKeys.HEAD_COUNT);
        json.put("num_hidden_layers", whole(prefix + ModelKeys.BLOCK_COUNT));
        json.put("max_position_embeddings", whole(prefix + ModelKeys.CONTEXT_LENGTH));
        json.put("hidden_size", whole(prefix + ModelKeys.EMBEDDING_LENGTH));
        json.put("intermediate_size", whole(prefix + ModelKeys.FEED_FORWARD_LENGTH));
        json.put("num_attention_heads", heads);
        json.put(
                "num_key_value_heads",
                optional(prefix + ModelKeys.KEY_VALUE_HEAD_COUNT).orElse(heads));
        json.put("rms_norm_eps", real(prefix + ModelKeys.NORM_EPSILON));
        json.put("rope_theta", has(prefix + ModelKeys.ROPE_BASE) ? real(prefix + ModelKeys.ROPE_BASE) : 10_000);
        OptionalLong headSize = headSize(prefix);
        headSize.ifPresent(size -> json.put("head_dim", size));
        long size = headSize.orElse(heads == 0 ? 0 : whole(prefix + ModelKeys.EMBEDDING_LENGTH) / heads);
        long turned = optional(prefix + ModelKeys.ROPE_DIMENSIONS).orElse(size);
        putRotarySize(json, architecture, prefix, size, turned);
        json.put("vocab_size", embeddingRows());
        json.put("tie_word_embeddings", tensor("output.weight").isEmpty());
        putAttention(json, architecture, prefix);
        SpelledDefaults.put(json, architecture);
        if (tensor(RopeFactors.LLAMA_3).isPresent() && !has(ModelKeys.CONFIG)) {
            putLlama3(json, architecture, prefix, turned);
        } else {
            putScaling(json, prefix);
        }
        if (architecture.expertKeys().isPresent()) {
            putExperts(json, architecture, architecture.expertKeys().get(), prefix);
        }
        return json;
    }

    private void putAttention(ObjectNode json, Architecture architecture, String prefix) throws MalformedFileException {
        if (architecture.has(Trait.WINDOW_IN_GGUF)) {
            optional(prefix + ModelKeys.SLIDING_WINDOW).stream()
                    .filter(window -> window > 0)
                    .forEach(window -> json.put("sliding_window", window));
        }
        if (architecture.pattern().mixesWindows()) {
            requireUsualWindows(architecture, prefix);
        }
        for (String cap : List.of(ModelKeys.SCORE_CAP, ModelKeys.LOGIT_CAP)) {
            if (has(prefix + cap)) {
                json.put(cap, real(prefix + cap));
            }
        }
        if (architecture.has(Trait.LOCAL_ROTARY_BASE)) {
            for (String base : List.of(ModelKeys.LOCAL_ROPE_BASE, ModelKeys.OLLAMA_LOCAL_ROPE_BASE)) {
                if (has(prefix + base)) {
                    json.put("rope_local_base_freq", real(prefix + base));
                }
            }
        }
        if (architecture.has(Trait.QUERY_SCALAR)) {
            long heads = json.path("num_attention_heads").asLong();
            long headSize = json.path("head_dim")
                    .asLong(heads == 0 ? 0 : json.path("hidden_size").asLong() / heads);
            boolean hiddenScaled = architecture.hiddenScaledLayers().isPresent()
                    && architecture.hiddenScaledLayers().getAsInt()
                            == json.path("num_hidden_layers").asLong();
            json.put(
                    "query_pre_attn_scalar",
                    hiddenScaled && heads > 0 ? json.path("hidden_size").asLong() / heads : headSize);
        }
    }

    /** Ollama's converter lists which layers have the window; llama.cpp also takes the number of layers that repeat. */
    private void requireUsualWindows(Architecture architecture, String prefix) throws MalformedFileException {
        String key = prefix + ModelKeys.WINDOW_PATTERN;
        LayerPattern pattern = architecture.pattern();
        boolean usual = switch (reader.header().metadata().get(key)) {
            case null -> true;
            case GgufValue.Whole(GgufValue.Type _, long period) -> period == pattern.windowPeriod();
            case GgufValue.Items(GgufValue.Type _, List<GgufValue> layers) ->
                IntStream.range(0, layers.size())
                        .allMatch(layer -> windowed(layers.get(layer)) == pattern.windowed(layer));
            default -> false;
        };
        if (!usual) {
            throw problem("key '" + key + "' gives other layers a window than " + architecture.className()
                    + " does, which has one in all but the last of each " + pattern.windowPeriod()
                    + " layers; other patterns are not supported");
        }
    }

    private static boolean windowed(GgufValue layer) {
        return layer instanceof GgufValue.Flag(boolean set)
                ? set
                : layer instanceof GgufValue.Whole(GgufValue.Type _, long number) && number != 0;
    }

    private void putScaling(ObjectNode json, String prefix) throws MalformedFileException {
        boolean longRope = tensor(RopeFactors.LONG).isPresent();
        GgufValue type = reader.header().metadata().get(prefix + ModelKeys.SCALING_TYPE);
        String kind = type instanceof GgufValue.Text(String text) ? text : "none";
        // Phi-3 has the number beside its scaling; transformers looks for yarn's inside.
        ObjectNode holder = json;
        if (longRope) {
            // transformers 4 refuses Phi-3's with a fourth entry.
            ObjectNode scaling = json.putObject("rope_scaling").put("type", ModelKeys.LONG_ROPE);
            putFactors(scaling, "long_factor", RopeFactors.LONG);
            putFactors(scaling, "short_factor", RopeFactors.SHORT);
        } else if (!kind.equals("none") && !kind.equals(ModelKeys.LONG_ROPE)) {
            refuseAttentionFactor(prefix);
            holder = json.putObject("rope_scaling")
                    .put("rope_type", kind)
                    .put("type", kind)
                    .put("factor", real(prefix + ModelKeys.SCALING_FACTOR));
        }
        OptionalLong positions = optional(prefix + ModelKeys.SCALING_POSITIONS);
        if (positions.isPresent()) {
            holder.put(ModelKeys.ORIGINAL_POSITIONS, positions.getAsLong());
        }
    }

    /** llama.cpp multiplies by it beside what it finds by itself, and has settings of yarn that nobody writes. */
    private void refuseAttentionFactor(String prefix) throws MalformedFileException {
        String factor = prefix + ModelKeys.SCALING_ATTENTION;
        if (has(factor) && real(factor) != 1) {
            throw problem("'" + factor + "' is " + real(factor) + ", expected 1 or no such key");
        }
        for (String key : reader.header().metadata().keySet()) {
            if (key.startsWith(prefix + ModelKeys.YARN_SETTINGS)) {
                throw problem("found '" + key + "', expected yarn without settings of its own");
            }
        }
    }

    /** The divisors stand in the file, the numbers that made them do not. */
    private void putLlama3(ObjectNode json, Architecture architecture, String prefix, long turned)
            throws MalformedFileException {
        GgufValue kind = reader.header().metadata().get(prefix + ModelKeys.SCALING_TYPE);
        boolean alone = kind == null || kind.equals(GgufValue.text("none"));
        Optional<RopeScaling.Llama3> rule = alone && architecture.has(Trait.LLAMA3_SCALING)
                ? RopeFactors.llama3(
                        factors(RopeFactors.LLAMA_3), json.path("rope_theta").asDouble(), turned)
                : Optional.empty();
        RopeScaling.Llama3 found = rule.orElseThrow(() -> problem("tensor '" + RopeFactors.LLAMA_3
                + "' divides rotary angles by numbers of an unknown rule, expected that of Llama 3 with"
                + " 'low_freq_factor' " + RopeFactors.LOW + ", 'high_freq_factor' " + RopeFactors.HIGH
                + " and a power of two from " + RopeFactors.FEWEST_POSITIONS + " to " + RopeFactors.MOST_POSITIONS
                + " as '" + ModelKeys.ORIGINAL_POSITIONS + "', or the key '" + ModelKeys.CONFIG + "' beside it"));
        json.putObject("rope_scaling")
                .put("rope_type", "llama3")
                .put("type", "llama3")
                .put("factor", found.factor())
                .put("low_freq_factor", found.lowFrequencyFactor())
                .put("high_freq_factor", found.highFrequencyFactor())
                .put(ModelKeys.ORIGINAL_POSITIONS, found.originalPositions());
    }

    private void putFactors(ObjectNode scaling, String key, String name) throws MalformedFileException {
        ArrayNode list = scaling.putArray(key);
        factors(name).forEach(factor -> list.add(shortest(factor)));
    }

    private List<Float> factors(String name) throws MalformedFileException {
        GgufTensor tensor = tensor(name).orElseThrow(() -> problem("tensor '" + name + "' is missing"));
        if (tensor.layout() != GgufType.F32 || tensor.shape().rank() != 1) {
            throw problem("tensor '" + name + "' is " + tensor.layout() + " of shape " + tensor.shape()
                    + ", expected one list of F32");
        }
        List<Float> factors = new ArrayList<>();
        for (float factor : reader.rows(name, 0, 1).toArray(FLOAT)) {
            factors.add(factor);
        }
        return factors;
    }

    private void putExperts(ObjectNode json, Architecture architecture, Experts.Keys keys, String prefix)
            throws MalformedFileException {
        json.put(keys.count(), whole(prefix + ModelKeys.EXPERT_COUNT));
        json.put("num_experts_per_tok", whole(prefix + ModelKeys.EXPERT_USED_COUNT));
        OptionalLong size = optional(prefix + ModelKeys.EXPERT_SIZE);
        if (size.isPresent()) {
            json.put(keys.size(), size.getAsLong());
        }
        if (architecture.has(Trait.NORMED_EXPERTS_STATED)) {
            json.put("norm_topk_prob", true);
        }
    }

    private Architecture architecture() throws MalformedFileException {
        if (reader.header().metadata().get(ModelKeys.ARCHITECTURE) instanceof GgufValue.Text(String name)) {
            boolean experts = optional(name + "." + ModelKeys.EXPERT_COUNT).orElse(0) > 0;
            for (Architecture architecture : Architecture.known()) {
                if (architecture.ggufName().equals(name)
                        && architecture.expertKeys().isPresent() == experts) {
                    return architecture;
                }
            }
            throw problem("'" + ModelKeys.ARCHITECTURE + "' is '" + name + "' " + (experts ? "with" : "without")
                    + " experts, which is not supported");
        }
        throw problem("'" + ModelKeys.ARCHITECTURE + "' is missing, expected the name of an architecture");
    }

    private OptionalLong headSize(String prefix) throws MalformedFileException {
        OptionalLong size = optional(prefix + ModelKeys.KEY_LENGTH);
        OptionalLong other = optional(prefix + ModelKeys.VALUE_LENGTH);
        if (other.isPresent() && size.isPresent() && other.getAsLong() != size.getAsLong()) {
            throw problem("'" + prefix + ModelKeys.VALUE_LENGTH + "' is " + other.getAsLong()
                    + ", expected the head size " + size.getAsLong());
        }
        return size;
    }

    /** Fewer elements than a head has may turn; config.json says which share. */
    private void putRotarySize(ObjectNode json, Architecture architecture, String prefix, long headSize, long turned)
            throws MalformedFileException {
        if (turned == headSize) {
            return;
        }
        if (!architecture.has(Trait.PARTIAL_ROTARY) || turned > headSize) {
            throw problem("'" + prefix + ModelKeys.ROPE_DIMENSIONS + "' is " + turned + ", expected the head size "
                    + headSize);
        }
        double share = (double) turned / headSize;
        // The product is cut off, not rounded.
        json.put("partial_rotary_factor", (long) (headSize * share) == turned ? share : Math.nextUp(share));
    }

    private long embeddingRows() throws MalformedFileException {
        return tensor("token_embd.weight")
                .orElseThrow(() -> problem("tensor 'token_embd.weight' is missing"))
                .shape()
                .rows();
    }

    private Optional<GgufTensor> tensor(String name) {
        return reader.header().tensors().stream()
                .filter(tensor -> tensor.name().equals(name))
                .findFirst();
    }

    private void requireAgreement(ModelConfig keys, ModelConfig json) throws MalformedFileException {
        require(
                "architecture",
                keys.architecture().ggufName(),
                json.architecture().ggufName());
        require("vocabulary size", keys.vocabularySize(), json.vocabularySize());
        require("hidden size", keys.hiddenSize(), json.hiddenSize());
        require("feed-forward size", keys.feedForwardSize(), json.feedForwardSize());
        require("number of layers", keys.layerCount(), json.layerCount());
        require("number of heads", keys.headCount(), json.headCount());
        require("number of key-value heads", keys.keyValueHeadCount(), json.keyValueHeadCount());
        require("head size", keys.headSize(), json.headSize());
        require("size of the part of a head that turns", keys.rotarySize(), json.rotarySize());
        require("context length", keys.maxPositions(), json.maxPositions());
        require("norm epsilon", (float) keys.normEpsilon(), (float) json.normEpsilon());
        require("rotary base", (float) keys.ropeTheta(), (float) json.ropeTheta());
        require("tied head", keys.tiedHead(), json.tiedHead());
        require("mixture of experts", keys.experts(), json.experts());
        if (json.architecture().has(Trait.WINDOW_IN_GGUF)) {
            require("sliding window", keys.slidingWindow(), json.slidingWindow());
        }
        require("cap of scores", single(keys.scoreCap()), single(json.scoreCap()));
        require("cap of logits", single(keys.logitCap()), single(json.logitCap()));
        require("rope scaling", scaling(keys), scaling(json));
        require("local rotary base", single(ModelKeys.localRopeBase(keys)), single(ModelKeys.localRopeBase(json)));
    }

    /** As far as keys say it: Llama 3's and Phi-3's stand in tensors, which both read. */
    private static String scaling(ModelConfig config) {
        return switch (config.ropeScaling().orElse(null)) {
            case RopeScaling.Linear(double factor) -> "linear by " + (float) factor;
            case RopeScaling.Yarn(double factor, int originalPositions) ->
                ModelKeys.YARN + " by " + (float) factor + " from " + originalPositions + " positions";
            case RopeScaling.Llama3 _, RopeScaling.LongRope _ -> "none";
            case null -> "none";
        };
    }

    /** As an F32 key holds it. */
    private static float single(OptionalDouble number) {
        return (float) number.orElse(Double.NaN);
    }

    private boolean has(String key) {
        return reader.header().metadata().containsKey(key);
    }

    private void require(String what, Object keys, Object json) throws MalformedFileException {
        if (!keys.equals(json)) {
            throw problem(
                    "the " + what + " is " + keys + " by its keys, but " + json + " in '" + ModelKeys.CONFIG + "'");
        }
    }

    private long whole(String key) throws MalformedFileException {
        return optional(key).orElseThrow(() -> problem("key '" + key + "' is missing, expected a number"));
    }

    private OptionalLong optional(String key) throws MalformedFileException {
        GgufValue value = reader.header().metadata().get(key);
        if (value == null) {
            return OptionalLong.empty();
        }
        if (value instanceof GgufValue.Whole number) {
            return OptionalLong.of(number.value());
        }
        throw problem("key '" + key + "' has type " + value.type() + ", expected a whole number");
    }

    private double real(String key) throws MalformedFileException {
        if (reader.header().metadata().get(key) instanceof GgufValue.Real number) {
            return number.type() == GgufValue.Type.F32 ? shortest((float) number.value()) : number.value();
        }
        throw problem("key '" + key + "' is missing or no F32");
    }

    /** 1e-5 as a checkpoint's config.json has it, not 9.999999747378752E-6: the same number in F32. */
    private static double shortest(float number) {
        return Double.parseDouble(Float.toString(number));
    }

    private MalformedFileException problem(String what) {
        return new MalformedFileException(reader.file(), -1, what);
    }
}
