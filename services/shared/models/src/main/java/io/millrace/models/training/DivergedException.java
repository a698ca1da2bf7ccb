package io.millrace.models.training;

/** Training left the finite numbers; the recipe is to blame, and another try of the same would end the same. */
public final class DivergedException extends RuntimeException {
    DivergedException(long step, double loss, double gradientNorm) {
        super("step " + step + ": loss " + loss + ", gradient norm " + gradientNorm
                + "; both must be finite numbers. Lower the learning rate or lengthen the warm-up");
    }
}
