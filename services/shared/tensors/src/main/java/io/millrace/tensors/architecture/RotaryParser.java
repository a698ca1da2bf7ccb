package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import io.millrace.tensors.json.StrictJson;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The rotary settings of a config.json. transformers 5 moved base and scaling into one object, {@code rope_parameters},
 * which has one object per kind of layer where kinds differ.
 */
final class RotaryParser {
    private static final double DEFAULT_BASE = 10_000;
    /** What yarn means unless a file says otherwise, and what llama.cpp computes with. */
    private static final Map<String, Double> YARN_DEFAULTS = Map.of("beta_fast", 32.0, "beta_slow", 1.0);

    /** Far below what a rounded factor in a file could change. */
    private static final double SAME_FACTOR = 1e-6;

    private static final String ORIGINAL_POSITIONS = RotarySpelling.ORIGINAL_POSITIONS;
    private static final String PARAMETERS = RotarySpelling.PARAMETERS;
    private static final String SCALING = RotarySpelling.SCALING;
    private static final String BASE = RotarySpelling.BASE;
    private static final String LOCAL_BASE = RotarySpelling.LOCAL_BASE;

    private final ConfigJson config;
    private final Architecture architecture;
    private final int rotarySize;
    private final int maxPositions;

    RotaryParser(ConfigJson config, Architecture architecture, int rotarySize, int maxPositions) {
        this.config = config;
        this.architecture = architecture;
        this.rotarySize = rotarySize;
        this.maxPositions = maxPositions;
    }

    /** Of the layers without a setting of their own. */
    Rotary common() throws MalformedFileException {
        if (architecture.has(Trait.LONG_ROPE) && config.present(ORIGINAL_POSITIONS)) {
            // GGUF states them for every such model.
            config.whole(ORIGINAL_POSITIONS, Integer.MAX_VALUE);
        }
        Optional<ConfigJson> parameters = parameters(RotarySpelling.FULL);
        Optional<ConfigJson> scaling =
                config.object(SCALING).filter(object -> !object.json().isEmpty());
        ConfigJson settings = parameters.orElseGet(() -> new ConfigJson(StrictJson.object(), config.file()));
        if (scaling.isPresent()) {
            settings = architecture.has(Trait.LOCAL_ROTARY_BASE)
                    ? merged(settings, scaling.get())
                    : replacing(settings, scaling.get());
        }
        return new Rotary(base(settings), scaling(settings));
    }

    private ConfigJson merged(ConfigJson parameters, ConfigJson scaling) throws MalformedFileException {
        ObjectNode merged = parameters.json().deepCopy();
        merged.setAll(scaling.json());
        if (!RotarySpelling.kind(merged).equals(RotarySpelling.kind(scaling.json()))) {
            throw config.unknown("'" + SCALING + "' says '" + RotarySpelling.kind(scaling.json()) + "', and '"
                    + PARAMETERS + "' beside it '" + RotarySpelling.kind(merged)
                    + "', expected the same: versions of transformers differ in which they take; keep the one that the"
                    + " model was trained with");
        }
        return new ConfigJson(merged, config.file());
    }

    /** What counts is the older object if both are there: transformers 5 then reads nothing of the newer. */
    private ConfigJson replacing(ConfigJson parameters, ConfigJson scaling) throws MalformedFileException {
        double defaultBase = architecture.has(Trait.ROTARY_BASE_STATED) ? Double.NaN : DEFAULT_BASE;
        for (Map.Entry<String, Double> each :
                Map.of(BASE, defaultBase, HeadParser.PARTIAL_ROTATION, 1.0).entrySet()) {
            String key = each.getKey();
            ConfigJson holder = scaling.present(key) ? scaling : config;
            double counting = holder.present(key) ? holder.positive(key) : each.getValue();
            if (parameters.present(key) && parameters.positive(key) != counting) {
                throw config.unknown("'" + SCALING + "' stands beside '" + PARAMETERS + "', whose '" + key + "' "
                        + parameters.at(key) + " it takes out of force in transformers 5, expected one of the two: move"
                        + " what '" + SCALING + "' says into '" + PARAMETERS + "'");
            }
        }
        return scaling;
    }

    private double base(ConfigJson settings) throws MalformedFileException {
        requireSame(BASE, config.object(SCALING).orElse(config), SCALING);
        ConfigJson holder = settings.present(BASE) ? settings : config;
        requireSame(BASE, holder, PARAMETERS);
        if (architecture.has(Trait.ROTARY_BASE_STATED) && !holder.present(BASE)) {
            throw config.problem("'" + BASE + "' is missing");
        }
        return holder.present(BASE) ? holder.positive(BASE) : DEFAULT_BASE;
    }

    /** Engines look for a base at the top first, transformers 5 last. */
    private void requireSame(String key, ConfigJson inner, String place) throws MalformedFileException {
        if (inner.present(BASE) && config.present(key) && inner.positive(BASE) != config.positive(key)) {
            throw config.unknown("'" + key + "' is " + config.at(key) + ", and " + inner.at(BASE) + " in '" + place
                    + "', expected the same: versions of transformers differ in which they take; keep the one that the"
                    + " model was trained with");
        }
    }

    /** Of the layers with a window. */
    Rotary local(Rotary common) throws MalformedFileException {
        if (!architecture.has(Trait.LOCAL_ROTARY_BASE)) {
            return common;
        }
        double base = config.present(LOCAL_BASE) ? config.positive(LOCAL_BASE) : DEFAULT_BASE;
        Optional<ConfigJson> parameters = parameters(RotarySpelling.SLIDING);
        if (parameters.isPresent()) {
            requireSame(LOCAL_BASE, parameters.get(), PARAMETERS + "." + RotarySpelling.SLIDING);
            if (parameters.get().present(BASE)) {
                base = parameters.get().positive(BASE);
            }
            if (!kind(parameters.get()).equals("default")) {
                throw config.variant("rope scaling '" + kind(parameters.get()) + "' is not supported for the layers of "
                        + architecture.className() + " with a window, expected none");
            }
        }
        return new Rotary(base, Optional.empty());
    }

    private Optional<ConfigJson> parameters(String kind) throws MalformedFileException {
        Optional<ConfigJson> all = config.object(PARAMETERS);
        if (all.isEmpty() || !architecture.has(Trait.LOCAL_ROTARY_BASE)) {
            return all;
        }
        return all.get().object(kind);
    }

    private Optional<RopeScaling> scaling(ConfigJson scaling) throws MalformedFileException {
        String kind = kind(scaling);
        if (kind.equals("default")) {
            return Optional.empty();
        }
        if (kind.equals("llama3") && architecture.has(Trait.LLAMA3_SCALING)) {
            return Optional.of(llama3(scaling));
        }
        if (kind.equals("linear") && architecture.has(Trait.LINEAR_SCALING)) {
            return Optional.of(new RopeScaling.Linear(scaling.positive("factor")));
        }
        if ((kind.equals("longrope") || kind.equals("su")) && architecture.has(Trait.LONG_ROPE)) {
            return Optional.of(longRope(scaling));
        }
        if (kind.equals("yarn") && architecture.has(Trait.YARN)) {
            return Optional.of(yarn(scaling));
        }
        throw config.variant("rope scaling '" + kind + "' is not supported for " + architecture.className()
                + ", expected " + known());
    }

    private static String kind(ConfigJson scaling) {
        return RotarySpelling.kind(scaling.json());
    }

    private String known() {
        List<String> kinds = new ArrayList<>();
        if (architecture.has(Trait.LLAMA3_SCALING)) {
            kinds.add("'llama3'");
        }
        if (architecture.has(Trait.LINEAR_SCALING)) {
            kinds.add("'linear'");
        }
        if (architecture.has(Trait.LONG_ROPE)) {
            kinds.add("'longrope'");
        }
        if (architecture.has(Trait.YARN)) {
            kinds.add("'yarn'");
        }
        kinds.add("none");
        return String.join(" or ", kinds);
    }

    private RopeScaling llama3(ConfigJson scaling) throws MalformedFileException {
        double low = scaling.positive("low_freq_factor");
        double high = scaling.positive("high_freq_factor");
        if (low >= high) {
            throw scaling.problem("'low_freq_factor' is " + low + ", expected less than 'high_freq_factor' " + high);
        }
        return new RopeScaling.Llama3(scaling.positive("factor"), low, high, original(scaling, scaling));
    }

    private RopeScaling yarn(ConfigJson scaling) throws MalformedFileException {
        ConfigJson holder = scaling.present(ORIGINAL_POSITIONS) ? scaling : config;
        int original = holder.present(ORIGINAL_POSITIONS) ? original(scaling, holder) : maxPositions;
        RopeScaling.Yarn yarn = new RopeScaling.Yarn(scaling.positive("factor"), original);
        for (Map.Entry<String, Double> expected : YARN_DEFAULTS.entrySet()) {
            if (scaling.present(expected.getKey()) && scaling.positive(expected.getKey()) != expected.getValue()) {
                throw unusual(scaling, expected.getKey(), expected.getValue());
            }
        }
        if (scaling.present("attention_factor")
                && Math.abs(scaling.positive("attention_factor") - yarn.attentionFactor()) > SAME_FACTOR) {
            throw unusual(scaling, "attention_factor", yarn.attentionFactor());
        }
        if (scaling.present("mscale") && scaling.present("mscale_all_dim")) {
            throw config.variant("rope scaling 'yarn' has 'mscale' " + scaling.at("mscale") + " and 'mscale_all_dim' "
                    + scaling.at("mscale_all_dim") + ", expected neither");
        }
        scaling.expect("truncate", BooleanNode.TRUE, ": llama.cpp knows no other yarn");
        return yarn;
    }

    /** Read from the holder, and the same wherever else it stands: transformers 5 would take the outer one. */
    private int original(ConfigJson scaling, ConfigJson holder) throws MalformedFileException {
        int original = holder.whole(ORIGINAL_POSITIONS, Integer.MAX_VALUE);
        for (ConfigJson each : List.of(config, scaling)) {
            if (each.present(ORIGINAL_POSITIONS) && each.whole(ORIGINAL_POSITIONS, Integer.MAX_VALUE) != original) {
                throw config.unknown("'" + ORIGINAL_POSITIONS + "' is " + config.at(ORIGINAL_POSITIONS) + ", and "
                        + scaling.at(ORIGINAL_POSITIONS)
                        + " beside the rope scaling, expected the same; keep the one that the model was trained"
                        + " with");
            }
        }
        return original;
    }

    private MalformedFileException unusual(ConfigJson scaling, String key, double expected) {
        return config.variant("rope scaling 'yarn' has '" + key + "' " + scaling.at(key) + ", expected " + expected
                + " or none: older llama.cpp has no key for another");
    }

    private RopeScaling longRope(ConfigJson scaling) throws MalformedFileException {
        for (String key : List.of("short_mscale", "long_mscale", "attention_factor")) {
            if (scaling.present(key)) {
                throw config.variant("'" + key + "' is " + scaling.at(key)
                        + ", expected none: the attention factor follows from the lengths of the contexts");
            }
        }
        ConfigJson holder = scaling.present(ORIGINAL_POSITIONS) ? scaling : config;
        int original = original(scaling, holder);
        double stretch = (double) maxPositions / original;
        double attentionFactor = stretch > 1 ? Math.sqrt(1 + Math.log(stretch) / Math.log(original)) : 1;
        return new RopeScaling.LongRope(
                factors(scaling, "short_factor"), factors(scaling, "long_factor"), original, attentionFactor);
    }

    private List<Double> factors(ConfigJson scaling, String key) throws MalformedFileException {
        JsonNode list = scaling.at(key);
        if (!list.isArray() || list.size() != rotarySize / 2) {
            throw scaling.problem("'" + key + "' has " + list.size() + " numbers, expected a list of " + rotarySize / 2
                    + ": one per rotary pair");
        }
        List<Double> factors = new ArrayList<>();
        for (JsonNode factor : list) {
            if (!factor.isNumber() || !(factor.asDouble() > 0) || !Double.isFinite(factor.asDouble())) {
                throw scaling.problem("'" + key + "' holds " + factor + ", expected numbers above 0");
            }
            factors.add(factor.asDouble());
        }
        return factors;
    }
}
