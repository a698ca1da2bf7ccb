package io.millrace.tensors.architecture;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * How one layer attends.
 *
 * @param window it reaches this many tokens back, the query itself included; empty for all
 * @param rotary how positions turn queries and keys; empty if they do not
 */
public record LayerAttention(OptionalInt window, Optional<Rotary> rotary) {
    /** Angles of base^(-2i / rotary size) per position, stretched if there is a scaling. */
    public record Rotary(double base, Optional<RopeScaling> scaling) {}
}
