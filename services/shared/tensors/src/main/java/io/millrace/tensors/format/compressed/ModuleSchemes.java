package io.millrace.tensors.format.compressed;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.NamePatterns;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which scheme the linear modules of a model's layers get.
 *
 * @param scheme of all that nothing below speaks of
 * @param byPattern schemes of other modules; the first whose pattern is found in the module's name counts
 * @param ignored a module in whose name one of them is found stays dense, whatever else speaks of it
 */
public record ModuleSchemes(CompressedScheme scheme, List<ModuleScheme> byPattern, List<Pattern> ignored) {
    /** Modules in whose Hugging Face name the pattern is found get the scheme. */
    public record ModuleScheme(Pattern pattern, CompressedScheme scheme) {}

    /** What a module gets, and what says so. */
    private record Choice(Optional<CompressedScheme> scheme, String reason) {}

    public ModuleSchemes {
        byPattern = List.copyOf(byPattern);
        ignored = List.copyOf(ignored);
    }

    /** The same scheme for all. */
    public static ModuleSchemes of(CompressedScheme scheme) {
        return new ModuleSchemes(scheme, List.of(), List.of());
    }

    /**
     * The scheme of each weight that gets one, in the model's order. {@link IllegalArgumentException} names two modules that
     * serving engines make one matrix of and that would get different ones, and what asks for either. A pattern that is
     * found in no module is refused.
     */
    Map<String, CompressedScheme> of(ModelConfig config) throws MalformedFileException {
        requireFound(config);
        Map<String, Choice> choices = new LinkedHashMap<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            if (rule.role() instanceof TensorRole.Linear) {
                choices.put(rule.name(), choice(rule.module()));
            }
        }
        config.architecture().schemeTies(config).forEach(tie -> checkTie(tie, choices));
        Map<String, CompressedScheme> schemes = new LinkedHashMap<>();
        choices.forEach((name, choice) -> choice.scheme().ifPresent(own -> schemes.put(name, own)));
        if (schemes.isEmpty()) {
            throw new IllegalArgumentException(
                    "'ignore' leaves every module dense, expected at least one with a scheme");
        }
        return schemes;
    }

    private void requireFound(ModelConfig config) throws MalformedFileException {
        List<TensorRule> rules = config.architecture().tensors(config);
        List<String> linear = rules.stream()
                .filter(rule -> rule.role() instanceof TensorRole.Linear)
                .map(TensorRule::module)
                .toList();
        for (ModuleScheme other : byPattern) {
            NamePatterns.requireFound("module-scheme", other.pattern(), linear, config);
        }
        // Recipes of other tools ignore the head and routers, which are always dense here, and a tied head is the
        // embedding.
        List<String> all = Stream.concat(rules.stream().map(TensorRule::module), Stream.of("lm_head"))
                .distinct()
                .toList();
        for (Pattern pattern : ignored) {
            NamePatterns.requireFound("ignore", pattern, all, config);
        }
    }

    private Choice choice(String module) {
        for (Pattern pattern : ignored) {
            if (pattern.matcher(module).find()) {
                return new Choice(Optional.empty(), "'ignore' " + pattern + " leaves dense");
            }
        }
        for (ModuleScheme other : byPattern) {
            if (other.pattern().matcher(module).find()) {
                return new Choice(
                        Optional.of(other.scheme()), "'module-scheme' " + other.pattern() + " gives " + other.scheme());
            }
        }
        return new Choice(Optional.of(scheme), "'scheme' gives " + scheme);
    }

    private static void checkTie(List<String> tie, Map<String, Choice> choices) {
        Choice first = choices.getOrDefault(tie.getFirst(), new Choice(Optional.empty(), ""));
        for (String name : tie) {
            Choice other = choices.getOrDefault(name, first);
            if (!other.scheme().equals(first.scheme())) {
                throw new IllegalArgumentException("weights '" + tie.getFirst() + "' and '" + name
                        + "' are one matrix to serving engines and must have the same scheme, but " + first.reason()
                        + " the first and " + other.reason() + " the second; write patterns that fit both or neither");
            }
        }
    }
}
