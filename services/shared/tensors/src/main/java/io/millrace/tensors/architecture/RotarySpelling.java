package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/**
 * The rotary settings of a config.json in the spelling that every engine reads. transformers 5 writes
 * {@code rope_parameters} alone; mlx-lm, mistral.rs, Ollama, older vLLM and older transformers look for
 * {@code rope_theta} and {@code rope_scaling}, and most take a default where they find none. transformers 5 makes its own
 * object of the older keys again. Nothing is done the other way round: every engine reads the older keys alone, and vLLM
 * 0.12 with transformers 4 fails over a Gemma 3 that has both.
 */
public final class RotarySpelling {
    static final String PARAMETERS = "rope_parameters";
    static final String SCALING = "rope_scaling";
    static final String BASE = "rope_theta";
    static final String LOCAL_BASE = "rope_local_base_freq";
    static final String ORIGINAL_POSITIONS = "original_max_position_embeddings";
    static final String FULL = "full_attention";
    static final String SLIDING = "sliding_attention";
    static final String KIND = "rope_type";

    /** What {@code rope_scaling} was called by before. */
    private static final String OLDER_KIND = "type";

    private static final String UNSCALED = "default";

    private RotarySpelling() {}

    /** A copy with the older keys that are missing, those of a multimodal model's text too; others stay as they are. */
    public static ObjectNode withOlder(ObjectNode config) {
        ObjectNode copy = config.deepCopy();
        addOlder(copy);
        return copy;
    }

    private static void addOlder(ObjectNode config) {
        if (config.get(Multimodal.TEXT) instanceof ObjectNode text) {
            addOlder(text);
        }
        if (!(config.get(PARAMETERS) instanceof ObjectNode parameters)) {
            return;
        }
        boolean perKind = parameters.has(FULL) || parameters.has(SLIDING);
        if ((perKind ? parameters.get(FULL) : parameters) instanceof ObjectNode common) {
            addCommon(config, common);
        }
        if (perKind) {
            add(config, LOCAL_BASE, parameters.path(SLIDING).path(BASE));
        }
    }

    private static void addCommon(ObjectNode config, ObjectNode common) {
        if (config.get(SCALING) instanceof ObjectNode counting && !counting.isEmpty()) {
            add(config, BASE, counting.path(BASE));
            if (!says(common, counting)) {
                // transformers 5 reads the older object; readers that ask for the newer one first shall find the same.
                common.setAll(counting);
                common.put(KIND, kind(counting));
            }
        } else if (!kind(common).equals(UNSCALED)) {
            config.set(SCALING, scaling(config, common));
        }
        add(config, BASE, common.path(BASE));
        add(config, HeadParser.PARTIAL_ROTATION, common.path(HeadParser.PARTIAL_ROTATION));
    }

    private static boolean says(ObjectNode newer, ObjectNode older) {
        return kind(newer).equals(kind(older))
                && older.properties().stream()
                        .filter(entry -> !List.of(KIND, OLDER_KIND).contains(entry.getKey()))
                        .allMatch(entry -> entry.getValue().equals(newer.path(entry.getKey())));
    }

    private static ObjectNode scaling(ObjectNode config, ObjectNode common) {
        ObjectNode scaling = common.deepCopy();
        scaling.remove(List.of(BASE, HeadParser.PARTIAL_ROTATION));
        scaling.put(OLDER_KIND, kind(common));
        if (common.has("long_factor")) {
            // transformers 4 refuses Phi-3's with a fourth entry, and reads the positions beside it.
            add(config, ORIGINAL_POSITIONS, common.path(ORIGINAL_POSITIONS));
            return scaling.retain(OLDER_KIND, "long_factor", "short_factor");
        }
        return scaling.put(KIND, kind(common));
    }

    /** Both names of the kind are in use; transformers asks for the newer first. */
    static String kind(ObjectNode scaling) {
        return scaling.path(KIND).asText(scaling.path(OLDER_KIND).asText(UNSCALED));
    }

    private static void add(ObjectNode config, String key, JsonNode value) {
        if (value.isNumber() && !config.hasNonNull(key)) {
            config.set(key, value);
        }
    }
}
