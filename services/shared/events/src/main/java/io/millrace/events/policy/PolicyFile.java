package io.millrace.events.policy;

import io.millrace.events.Device;
import io.millrace.events.Gate;
import io.millrace.events.Parameters;
import io.millrace.events.Policy.OnNewer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads a policy. The file's keys, with the value that holds where one is left out:
 *
 * <pre>
 * policy                 name
 * models                 pattern of model names, * stands for any characters
 * work-on                cpu         device of steps that name none, and of quality measurements
 * evaluate               text; sequences 64, length 512
 * calibrate              text; seed 0                       needed by distill and by prune by activations;
 *                                        sequences and length change nothing
 * on-newer-checkpoint    keep
 * targets                name; device = work-on; recipes, see {@link RecipeReader}; gate, see {@link GateReader}
 * </pre>
 *
 * Any other key is an error. Texts and importance matrices are paths beside the policy file.
 */
public final class PolicyFile {
    private static final Pattern MODELS = Pattern.compile("[A-Za-z0-9._*-]{1,128}");

    /** In tokens; the evaluation takes no shorter one, since half of a window is context. */
    public static final int SHORTEST_WINDOW = 4;

    /** The state of a run holds what each rung measured, and is one event. */
    private static final int LONGEST_LADDER = 64;

    private final String where;
    private final Path folder;
    private final List<String> remarks = new ArrayList<>();

    private PolicyFile(String where, Path folder) {
        this.where = where;
        this.folder = folder;
    }

    /** Reads a file; its texts lie beside it. */
    public static PolicyDraft parse(Path file) throws IOException, PolicyException {
        String yaml;
        try {
            yaml = Files.readString(file);
        } catch (CharacterCodingException e) {
            throw new PolicyException(file + ": is not UTF-8 text; save it as UTF-8");
        }
        Path folder = file.toAbsolutePath().normalize().getParent();
        return new PolicyFile(file.toString(), folder == null ? Path.of("") : folder).read(yaml);
    }

    /** Reads a text; its texts lie in the current folder. */
    public static PolicyDraft parse(String yaml) throws PolicyException {
        return new PolicyFile("policy", Path.of("")).read(yaml);
    }

    private PolicyDraft read(String yaml) throws PolicyException {
        Fields fields = Fields.of(where, Yaml.read(yaml, where));
        String name = fields.name("policy");
        String models = fields.text("models");
        if (!MODELS.matcher(models).matches()) {
            throw fields.error(
                    fields.require("models").line(),
                    "'" + models + "' is not a pattern of model names; use letters, digits, '.', '_', '-' and '*'");
        }
        Device workOn = fields.device("work-on", Device.CPU);
        TextDraft evaluation = evaluation(fields.map("evaluate"));
        Optional<TextDraft> calibration = fields.find("calibrate").isPresent()
                ? Optional.of(calibration(fields.map("calibrate")))
                : Optional.empty();
        OnNewer onNewer = OnNewer.valueOf(fields.choice("on-newer-checkpoint", Set.of("keep", "supersede"), "keep")
                .toUpperCase(Locale.ROOT));
        List<TargetDraft> targets = new ArrayList<>();
        Set<String> names = new HashSet<>();
        for (Yaml node : fields.list("targets")) {
            TargetDraft target = target(Fields.of(where, node, "a target"), workOn, calibration.isPresent());
            if (!names.add(target.name())) {
                throw fields.error(node.line(), "target '" + target.name() + "' is there twice");
            }
            targets.add(target);
        }
        fields.done();
        return new PolicyDraft(name, models, workOn, onNewer, evaluation, calibration, targets, remarks);
    }

    private TextDraft evaluation(Fields fields) throws PolicyException {
        TextDraft text = new TextDraft(
                fields.file("text", folder),
                fields.integer("sequences", 64, 1),
                fields.integer("length", 512, SHORTEST_WINDOW),
                0);
        fields.done();
        return text;
    }

    /**
     * A distill step cuts the text by its own length, as often as it has steps, and so does a prune step. How else it may
     * be cut is part of a run's identity all the same, so the keys are taken.
     */
    private TextDraft calibration(Fields fields) throws PolicyException {
        for (String key : List.of("sequences", "length")) {
            fields.find(key)
                    .ifPresent(entry -> remarks.add(fields.error(
                                    entry.line(),
                                    "'" + key
                                            + "' under 'calibrate' changes nothing: a distill step takes 'steps' times"
                                            + " 'batch' windows of its own 'length' from the text, and a prune step by"
                                            + " activations its own 'sequences' and 'length'; leave it out")
                            .getMessage()));
        }
        TextDraft text = new TextDraft(
                fields.file("text", folder),
                fields.integer("sequences", 128, 1),
                fields.integer("length", 512, 2),
                fields.number("seed", 0));
        fields.done();
        return text;
    }

    private TargetDraft target(Fields fields, Device workOn, boolean calibrated) throws PolicyException {
        String name = fields.name("name");
        Device device = fields.device("device", workOn);
        RecipeReader reader = new RecipeReader(where, folder, workOn);
        List<RecipeDraft> ladder = new ArrayList<>();
        for (Yaml node : fields.list("recipes")) {
            if (ladder.size() == LONGEST_LADDER) {
                throw fields.error(node.line(), "a ladder has at most " + LONGEST_LADDER + " recipes");
            }
            RecipeDraft recipe = reader.read(node);
            if (ladder.contains(recipe)) {
                throw fields.error(node.line(), "recipe '" + recipe.summary() + "' is on the ladder already");
            }
            Optional<Parameters> calibratedStep = recipe.calibratedStep();
            if (!calibrated && calibratedStep.isPresent()) {
                throw fields.error(
                        node.line(),
                        (calibratedStep.get() instanceof Parameters.Distill ? "distill" : "prune by activations")
                                + " needs a text; add 'calibrate: {text: FILE}' to the policy");
            }
            ladder.add(recipe);
        }
        Gate gate = GateReader.read(fields.map("gate"), remarks);
        fields.done();
        return new TargetDraft(name, device, ladder, gate);
    }
}
