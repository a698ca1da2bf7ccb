package io.millrace.events;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a run must reach: one device, a ladder of recipes, a gate, and the texts to judge and calibrate by. A run keeps
 * the target that it was requested with.
 *
 * @param device where speed is measured
 * @param workOn where quality is measured
 * @param ladder recipes, tried in order until one passes the gate
 */
public record Target(
        String name,
        Device device,
        Device workOn,
        TextUse evaluation,
        Optional<TextUse> calibration,
        List<Recipe> ladder,
        Gate gate) {
    public Target {
        ladder = List.copyOf(ladder);
        if (ladder.isEmpty()) {
            throw new IllegalArgumentException("target '" + name + "' has no recipe");
        }
    }

    /** Everything that a run's identity depends on; texts by digest. */
    public String canonicalJson() {
        SortedMap<String, Object> values = new TreeMap<>();
        values.put("name", name);
        values.put("device", device.name());
        values.put("work-on", workOn.name());
        values.put("evaluate", describe(evaluation));
        calibration.ifPresent(text -> values.put("calibrate", describe(text)));
        values.put("recipes", ladder.stream().map(Target::describe).toList());
        values.put("gate", gate.limits().stream().map(Limit::toString).sorted().toList());
        return CanonicalJson.write(values);
    }

    private static SortedMap<String, Object> describe(TextUse use) {
        return new TreeMap<>(Map.of(
                "text", use.text().manifest().hex(),
                "sequences", use.sequences(),
                "length", use.length(),
                "seed", use.seed()));
    }

    private static List<SortedMap<String, Object>> describe(Recipe recipe) {
        return recipe.steps().stream().map(Target::describe).toList();
    }

    private static SortedMap<String, Object> describe(Step step) {
        Parameters parameters = step.parameters();
        SortedMap<String, Object> values = new TreeMap<>(Map.of(
                "stage", parameters.stage().wireName(),
                "name", parameters.name(),
                "version", parameters.version(),
                "parameters", parameters.values(),
                "device", step.device().name()));
        step.importance()
                .ifPresent(matrix -> values.put("importance", matrix.manifest().hex()));
        return values;
    }
}
