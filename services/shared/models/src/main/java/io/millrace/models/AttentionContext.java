package io.millrace.models;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.millrace.tensors.architecture.LayerAttention;
import io.millrace.tensors.architecture.ModelConfig;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the layers of one pass need beside x: how positions turn, who may see whom, and what was seen before. */
final class AttentionContext {
    private final ModelConfig config;
    private final Map<LayerAttention, Sight> sights = new HashMap<>();
    private final @Nullable KeyValueCache cache;

    /**
     * What layers of one kind share.
     *
     * @param angles how positions turn; null: they do not
     * @param mask [length, seen] 0 or -inf; null: all are visible
     */
    record Sight(
            RotaryEmbedding.@Nullable Angles angles,
            @Nullable NDArray mask) {}

    /** For tokens [past, past + length), in the scope {@code work}. */
    AttentionContext(NDManager work, ModelConfig config, int length, @Nullable KeyValueCache cache) {
        this.config = config;
        this.cache = cache;
        int past = cache == null ? 0 : cache.length();
        int context = cache == null ? length : cache.capacity();
        for (LayerAttention kind : config.attention()) {
            sights.computeIfAbsent(
                    kind,
                    _ -> new Sight(
                            kind.rotary()
                                    .map(rotary -> new RotaryEmbedding(config.rotarySize(), rotary)
                                            .angles(work, past, length, context))
                                    .orElse(null),
                            AttentionMask.of(work, kind.window(), past, length)));
        }
    }

    Sight of(int layer) {
        return Optional.ofNullable(sights.get(config.attention().get(layer))).orElseThrow();
    }

    @Nullable
    KeyValueCache cache() {
        return cache;
    }
}
