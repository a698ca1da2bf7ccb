package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.events.CompressedModules;
import io.millrace.events.CompressedModules.PatternScheme;
import io.millrace.events.Parameters.CompressedTensors;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Modules of a compressed-tensors folder that get another scheme, or none; a policy's step says the same under the same names. */
final class ModuleSchemeOptions {
    @Option(
            names = "--module-scheme",
            paramLabel = "PATTERN=SCHEME",
            converter = PatternConverter.class,
            description =
                    "compressed-tensors: scheme of the modules in whose name the regular expression is found, such as"
                            + " 'down_proj=W8A16'; may be given several times, the first that fits counts. q, k and v, gate and up,"
                            + " and the experts of a layer must get the same: serving engines make one matrix of them.")
    private List<PatternScheme> byPattern = new ArrayList<>();

    @Option(
            names = "--ignore",
            paramLabel = "PATTERN",
            description =
                    "compressed-tensors: the modules in whose name the regular expression is found stay dense; may be"
                            + " given several times.")
    private List<String> ignored = new ArrayList<>();

    /** Reads {@code pattern=scheme}. */
    static final class PatternConverter implements ITypeConverter<PatternScheme> {
        @Override
        public PatternScheme convert(String value) {
            try {
                return PatternScheme.parse(CompressionTarget.capitalsBehindPattern(value));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /**
     * The target as asked for; one that is no compressed-tensors folder stays as it is.
     *
     * @throws IllegalArgumentException if the target cannot be so
     */
    CompressionTarget applyTo(CompressionTarget target) {
        return target.parameters() instanceof CompressedTensors folder
                ? new CompressionTarget(new CompressedTensors(
                        folder.type(), new CompressedModules(byPattern, ignored), folder.shards()))
                : target;
    }
}
