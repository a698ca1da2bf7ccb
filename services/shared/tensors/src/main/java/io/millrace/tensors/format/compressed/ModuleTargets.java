package io.millrace.tensors.format.compressed;

import io.millrace.tensors.architecture.TensorRule;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Modules as a configuration with several groups names them: a pattern for each kind of module, which lists layers only if
 * other layers' modules of that kind are elsewhere. {@code Linear} serves one group alone: vLLM 0.16 looks at it before it
 * looks at the parts of a merged module, so that it would win over the patterns of q, k and v; 0.32 does not. The experts of
 * a layer have one pattern, since engines ask for them by names of their own.
 */
final class ModuleTargets {
    private static final Pattern IN_LAYER = Pattern.compile("(?:.*\\.)?layers\\.(\\d+)\\.(.+)");
    private static final Pattern EXPERT = Pattern.compile("(.*experts)\\.\\d+\\..+");

    private ModuleTargets() {}

    /**
     * Patterns that choose among quantized modules.
     *
     * @param all quantized modules, in the model's order
     * @param chosen whether a module is one of the group
     */
    static List<String> of(List<TensorRule> all, Predicate<TensorRule> chosen) {
        Map<String, TreeSet<Integer>> layers = new LinkedHashMap<>();
        Map<String, TreeSet<Integer>> others = new LinkedHashMap<>();
        for (TensorRule rule : all) {
            Matcher name = IN_LAYER.matcher(rule.module());
            if (!name.matches()) {
                throw new IllegalStateException("'" + rule.module() + "' lies in no layer");
            }
            (chosen.test(rule) ? layers : others)
                    .computeIfAbsent(kind(name.group(2)), _ -> new TreeSet<>())
                    .add(Integer.parseInt(name.group(1)));
        }
        List<String> targets = new ArrayList<>();
        layers.forEach((kind, numbers) -> {
            String where = others.containsKey(kind)
                    ? numbers.stream().map(String::valueOf).collect(Collectors.joining("|", "(", ")"))
                    : "\\d+";
            targets.add("re:.*layers\\." + where + "\\." + kind);
        });
        return List.copyOf(targets);
    }

    /**
     * The name of a module of a layer, or the pattern for all experts of its layer, which have one scheme or none.
     *
     * @param multimodal whether engines put something before the text model's names
     * @param bare whether the folder's names lack the prefix of the body, which engines that add a head put before them
     */
    static String one(TensorRule rule, boolean multimodal, boolean bare) {
        if (!multimodal && !bare && rule.expert().isEmpty()) {
            return rule.module();
        }
        String inLayers = rule.module().substring(rule.module().indexOf("layers."));
        return (multimodal ? "re:.*language_model\\..*" : "re:.*") + kind(inLayers);
    }

    private static String kind(String inLayer) {
        Matcher expert = EXPERT.matcher(inLayer);
        return expert.matches() ? escaped(expert.group(1)) + "\\..*" : escaped(inLayer) + "$";
    }

    private static String escaped(String name) {
        return name.replace(".", "\\.");
    }
}
