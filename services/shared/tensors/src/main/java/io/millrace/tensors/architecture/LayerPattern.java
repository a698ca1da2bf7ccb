package io.millrace.tensors.architecture;

/** In what a model's layers differ from each other. */
public enum LayerPattern {
    /** Every layer sees everything. */
    ALIKE,
    /** Every layer has the sliding window that config.json states, if any. */
    WINDOWED,
    /** Likewise, if {@code use_sliding_window} says so, from layer {@code max_window_layers} on. */
    WINDOWED_IF_USED,
    /** Likewise, if {@code use_sliding_window} says so, whatever {@code max_window_layers} is. */
    ALL_WINDOWED_IF_USED,
    /** A layer with a window, then one without. */
    ALTERNATING,
    /** Five layers with a window, then one without. */
    FIVE_OF_SIX,
    /** Every fourth layer turns nothing by position. */
    FOURTH_UNROTATED;

    /** True if a layer's attention is bounded by the window. */
    public boolean windowed(int layer) {
        return switch (this) {
            case ALIKE, FOURTH_UNROTATED -> false;
            case WINDOWED, WINDOWED_IF_USED, ALL_WINDOWED_IF_USED -> true;
            case ALTERNATING -> layer % 2 == 0;
            case FIVE_OF_SIX -> layer % 6 < 5;
        };
    }

    /** True if only some layers have the window, so that there must be one. */
    public boolean mixesWindows() {
        return this == ALTERNATING || this == FIVE_OF_SIX;
    }

    /** Layers after which windows repeat, as {@code sliding_window_pattern} counts them. */
    public int windowPeriod() {
        return switch (this) {
            case ALIKE, WINDOWED, WINDOWED_IF_USED, ALL_WINDOWED_IF_USED, FOURTH_UNROTATED -> 1;
            case ALTERNATING -> 2;
            case FIVE_OF_SIX -> 6;
        };
    }

    /** True if a layer turns queries and keys by their position. */
    boolean rotated(int layer) {
        return this != FOURTH_UNROTATED || (layer + 1) % 4 != 0;
    }
}
