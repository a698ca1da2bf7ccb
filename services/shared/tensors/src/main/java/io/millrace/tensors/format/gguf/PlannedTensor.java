package io.millrace.tensors.format.gguf;

import io.millrace.tensors.architecture.TensorRule;
import java.util.List;
import java.util.Optional;

/**
 * A tensor that a file will hold.
 *
 * @param importance of its columns, if it is known and the type heeds it
 * @param fallBack whether it is not of the type that was asked for
 * @param note why, or what was amended on the way; empty otherwise
 */
record PlannedTensor(GgufTensor target, Source source, Optional<Importance> importance, boolean fallBack, String note) {
    /** The same with its place in the file. */
    PlannedTensor at(GgufTensor placed) {
        return new PlannedTensor(placed, source, importance, fallBack, note);
    }

    /** What a message or report calls it: the checkpoint's name, or GGUF's where it is made of several or none. */
    String sourceName() {
        return switch (source) {
            case Stored(TensorRule rule) -> rule.name();
            case Stacked _, Computed _ -> target.name();
        };
    }

    /** Where the numbers come from. */
    sealed interface Source {}

    /** A tensor of the checkpoint; its rule says how rows are permuted. */
    record Stored(TensorRule rule) implements Source {}

    /** Tensors of the checkpoint, of one shape, one behind the other: the experts of a layer. */
    record Stacked(List<TensorRule> parts) implements Source {
        public Stacked {
            parts = List.copyOf(parts);
        }
    }

    /** Numbers that follow from the configuration. */
    record Computed(List<Float> values) implements Source {}
}
