package io.millrace.models;

/** Told how far a long computation has come, from the computing thread. */
@FunctionalInterface
public interface WorkProgress {
    WorkProgress NONE = (done, total, what) -> {};

    /**
     * @param done finished units, e.g. windows or steps
     * @param total units in all
     */
    void advance(long done, long total, String what);

    /** For a forward pass inside one unit: each layer is progress, and an interrupt ends it. */
    default LayerWatch<InterruptedException> layers(long done, long total, String what) {
        return (layer, layers) -> {
            String at = what + " at layer " + layer + " of " + layers;
            if (Thread.interrupted()) {
                throw new InterruptedException(at + " interrupted, " + done + " of " + total);
            }
            advance(done, total, at);
        };
    }
}
