package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.IntNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.LayerAttention.Rotary;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** Which layer has which window and rotary setting; a config.json that deviates from its family's pattern is refused. */
final class LayerParser {
    /** Counts where no list says which layers turn. */
    private static final String INTERVAL = "no_rope_layer_interval";

    private static final String WINDOW = "sliding_window";

    /** What transformers takes where a family has one unless it is null. */
    private static final int DEFAULT_WINDOW = 4096;

    private static final String UNROTATED =
            ": every fourth layer of this architecture, and no other, is without rotary positions";

    private final ConfigJson config;
    private final Architecture architecture;
    private final int layerCount;

    LayerParser(ConfigJson config, Architecture architecture, int layerCount) {
        this.config = config;
        this.architecture = architecture;
        this.layerCount = layerCount;
    }

    OptionalInt slidingWindow() throws MalformedFileException {
        LayerPattern pattern = architecture.pattern();
        boolean windowed = switch (pattern) {
            case ALIKE -> false;
            case FOURTH_UNROTATED -> {
                if (config.flag("use_sliding_window", false)) {
                    throw config.variant(
                            "'use_sliding_window' is true, expected false for " + architecture.className());
                }
                yield false;
            }
            case WINDOWED, ALTERNATING, FIVE_OF_SIX -> true;
            case ALL_WINDOWED_IF_USED -> config.flag("use_sliding_window", false);
            case WINDOWED_IF_USED -> config.flag("use_sliding_window", false) && everyLayerIsWindowed();
        };
        if (!windowed || (noWindow() && !pattern.mixesWindows())) {
            return OptionalInt.empty();
        }
        boolean unsaid = !config.json().has(WINDOW) && architecture.has(Trait.WINDOW_UNLESS_NULL);
        return OptionalInt.of(unsaid ? DEFAULT_WINDOW : config.whole(WINDOW, Integer.MAX_VALUE));
    }

    /** For some families only null says that there is none. */
    private boolean noWindow() {
        return architecture.has(Trait.WINDOW_UNLESS_NULL)
                ? config.json().has(WINDOW) && !config.present(WINDOW)
                : !config.present(WINDOW);
    }

    private boolean everyLayerIsWindowed() throws MalformedFileException {
        double firstWindowed = config.at("max_window_layers").asDouble(-1);
        if (firstWindowed >= layerCount || noWindow()) {
            return false;
        }
        if (firstWindowed != 0) {
            throw config.variant("'max_window_layers' is " + config.at("max_window_layers")
                    + ", expected 0 or at least 'num_hidden_layers': a window in some layers only is not supported");
        }
        return true;
    }

    List<LayerAttention> attention(OptionalInt window, Rotary common, Rotary local) throws MalformedFileException {
        LayerPattern pattern = architecture.pattern();
        config.expect("sliding_window_pattern", IntNode.valueOf(pattern.windowPeriod()), "");
        List<LayerAttention> layers = new ArrayList<>();
        for (int layer = 0; layer < layerCount; layer++) {
            boolean windowed = window.isPresent() && pattern.windowed(layer);
            checkStated(layer, windowed, pattern.rotated(layer));
            layers.add(new LayerAttention(
                    windowed ? window : OptionalInt.empty(),
                    pattern.rotated(layer) ? Optional.of(windowed ? local : common) : Optional.empty()));
        }
        return layers;
    }

    /** Newer files list the kinds of their layers; llama.cpp knows the usual patterns alone. */
    private void checkStated(int layer, boolean windowed, boolean rotated) throws MalformedFileException {
        String kind = windowed ? "sliding_attention" : "full_attention";
        JsonNode stated = config.at("layer_types").path(layer);
        if (config.present("layer_types") && !stated.asText().equals(kind)) {
            throw config.variant("'layer_types'[" + layer + "] is " + stated + ", expected '" + kind + "' for "
                    + architecture.className());
        }
        JsonNode turns = config.at("no_rope_layers").path(layer);
        if (config.present("no_rope_layers") && turns.asDouble(-1) != (rotated ? 1 : 0)) {
            throw config.variant(
                    "'no_rope_layers'[" + layer + "] is " + turns + ", expected " + (rotated ? 1 : 0) + UNROTATED);
        }
        if (!config.present("no_rope_layers")
                && architecture.pattern() == LayerPattern.FOURTH_UNROTATED
                && config.present(INTERVAL)
                && ((layer + 1) % config.whole(INTERVAL, Integer.MAX_VALUE) != 0) != rotated) {
            throw config.variant("'" + INTERVAL + "' is " + config.at(INTERVAL) + ", expected 4" + UNROTATED);
        }
    }
}
