package io.millrace.events;

import java.util.Arrays;
import java.util.Optional;

/** A quantity that a benchmark measures and a gate may limit. */
public enum Metric {
    PERPLEXITY("perplexity", "", false, true),
    PERPLEXITY_INCREASE("perplexity-increase", "ratio", false, true),
    KL_DIVERGENCE("kl-divergence", "nat", false, true),
    KL_DIVERGENCE_P99("kl-divergence-p99", "nat", false, true),
    SAME_TOP_TOKEN("same-top-token", "ratio", true, true),
    SIZE_RATIO("size-ratio", "ratio", false, true),
    BITS_PER_WEIGHT("bits-per-weight", "bit", false, true),
    SIZE("size", "byte", false, true),
    PROMPT_RATE("prompt-rate", "token/s", true, false),
    GENERATION_RATE("generation-rate", "token/s", true, false),
    GENERATION_SPEEDUP("generation-speedup", "ratio", true, false);

    private final String wireName;
    private final String unit;
    private final boolean moreIsBetter;
    private final boolean quality;

    Metric(String wireName, String unit, boolean moreIsBetter, boolean quality) {
        this.wireName = wireName;
        this.unit = unit;
        this.moreIsBetter = moreIsBetter;
        this.quality = quality;
    }

    public String wireName() {
        return wireName;
    }

    public String unit() {
        return unit;
    }

    public boolean moreIsBetter() {
        return moreIsBetter;
    }

    /** Measured by the quality benchmark; the others by the speed benchmark on the target's device. */
    public boolean quality() {
        return quality;
    }

    public static Optional<Metric> named(String wireName) {
        return Arrays.stream(values())
                .filter(metric -> metric.wireName.equals(wireName))
                .findFirst();
    }
}
