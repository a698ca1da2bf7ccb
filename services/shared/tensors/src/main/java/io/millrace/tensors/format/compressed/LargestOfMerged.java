package io.millrace.tensors.format.compressed;

import io.millrace.tensors.architecture.TensorRule;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * The largest magnitude among modules that consumers merge. Each is read once for it, also where the model lists others
 * between them: all gates of a layer's experts come before the first up.
 */
final class LargestOfMerged {
    private final Map<OptionalInt, List<TensorRule>> layers;
    private final Reading reading;
    private final Map<String, Float> known = new HashMap<>(); // by the name of a weight that is yet to be asked for

    /** Reads a tensor. */
    interface Reading {
        float largest(TensorRule rule) throws IOException, InterruptedException;
    }

    LargestOfMerged(List<TensorRule> model, Reading reading) {
        this.layers = model.stream().collect(Collectors.groupingBy(TensorRule::layer));
        this.reading = reading;
    }

    /** Among the modules that are merged with this one, itself included. */
    float of(TensorRule rule) throws IOException, InterruptedException {
        Float before = known.remove(rule.name());
        if (before != null) {
            return before;
        }
        List<TensorRule> merged = MergedModules.of(rule, layers.getOrDefault(rule.layer(), List.of()));
        float largest = 0;
        for (TensorRule one : merged) {
            largest = Math.max(largest, reading.largest(one));
        }
        for (TensorRule one : merged) {
            known.put(one.name(), largest);
        }
        known.remove(rule.name());
        return largest;
    }
}
