package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.events.GgufPartLimit;
import io.millrace.events.GgufTensorTypes;
import io.millrace.events.GgufTensorTypes.PatternType;
import io.millrace.events.Literature;
import io.millrace.events.Parameters.CompressedTensors;
import io.millrace.events.Parameters.Gguf;
import io.millrace.events.Parameters.Onnx;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** How GGUF targets depart from their type's own mixture, and into how many files targets go; a policy's step says the same under the same names. */
final class GgufTargetOptions {
    @Option(names = "--pure", description = "GGUF: every matrix in the type itself, no mixture.")
    private boolean pure;

    @Option(
            names = "--token-embedding-type",
            paramLabel = "TYPE",
            converter = TypeConverter.class,
            description = "GGUF: type of the token embedding, such as Q8_0.")
    private @Nullable String embedding;

    @Option(
            names = "--output-tensor-type",
            paramLabel = "TYPE",
            converter = TypeConverter.class,
            description = "GGUF: type of the head.")
    private @Nullable String output;

    @Option(
            names = "--tensor-type",
            paramLabel = "PATTERN=TYPE",
            converter = PatternConverter.class,
            description = "GGUF: type of the tensors whose name the regular expression is found in, such as"
                    + " 'attn_v|ffn_down=Q8_0'; may be given several times, the first that fits counts.")
    private List<PatternType> byPattern = new ArrayList<>();

    @ArgGroup
    private final PartLimit parts = new PartLimit();

    /** At most one of the two. */
    static final class PartLimit {
        @Option(
                names = "--split-max-size",
                paramLabel = "SIZE",
                converter = SizeConverter.class,
                description =
                        "GGUF, compressed-tensors: goes on in another file before one becomes larger, such as 4G or"
                                + " 500M; llama.cpp opens a model by its first file, others by the index beside them.")
        private GgufPartLimit.@Nullable Size size;

        @Option(
                names = "--split-max-tensors",
                paramLabel = "N",
                description = "GGUF: goes on in another file after N tensors.")
        private @Nullable Integer tensors;

        private Optional<GgufPartLimit> limit() {
            return size != null
                    ? Optional.of(size)
                    : Optional.ofNullable(tensors).map(GgufPartLimit.Tensors::new);
        }
    }

    /** Reads {@code 4G}. */
    static final class SizeConverter implements ITypeConverter<GgufPartLimit.Size> {
        @Override
        public GgufPartLimit.Size convert(String value) {
            try {
                return GgufPartLimit.Size.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** Reads a type; small and capital letters are the same, as in a target. */
    static final class TypeConverter implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            return value.toUpperCase(Locale.ROOT);
        }
    }

    /** Reads {@code pattern=type}. */
    static final class PatternConverter implements ITypeConverter<PatternType> {
        @Override
        public PatternType convert(String value) {
            try {
                return PatternType.parse(CompressionTarget.capitalsBehindPattern(value));
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /**
     * The target as asked for; one that leaves nothing of this open stays as it is.
     *
     * @throws IllegalArgumentException if the target cannot be so
     */
    CompressionTarget applyTo(CompressionTarget target) {
        GgufTensorTypes types =
                new GgufTensorTypes(pure, Optional.ofNullable(embedding), Optional.ofNullable(output), byPattern);
        return switch (target.parameters()) {
            case Gguf gguf -> new CompressionTarget(new Gguf(gguf.type(), types, parts.limit()));
            case CompressedTensors folder ->
                new CompressionTarget(
                        new CompressedTensors(folder.type(), folder.modules(), Optional.ofNullable(parts.size)));
            case Onnx _, Literature _ -> target;
        };
    }
}
