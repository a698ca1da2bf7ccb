package io.millrace.models;

/**
 * Told after each layer of a forward pass, from the computing thread. One pass of a large model takes minutes: this is
 * where it shows that it lives, and where it can be ended, by an exception that leaves nothing of the pass.
 *
 * @param <E> how it ends a pass; {@code RuntimeException} where it never does
 */
@FunctionalInterface
public interface LayerWatch<E extends Exception> {
    LayerWatch<RuntimeException> NONE = (done, layers) -> {};

    void passed(int done, int layers) throws E;
}
