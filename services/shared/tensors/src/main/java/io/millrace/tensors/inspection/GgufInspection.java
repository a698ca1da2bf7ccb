package io.millrace.tensors.inspection;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.tensors.format.gguf.GgufTensor;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.gguf.GgufWeights;
import io.millrace.tensors.inspection.Inspection.Metadata;
import io.millrace.tensors.inspection.Inspection.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Shows a GGUF file, of whatever tool. */
final class GgufInspection {
    private static final int ITEMS_SHOWN = 8;
    private static final String ARCHITECTURE = "general.architecture";
    /** Divisors of rotary angles: numbers beside the weights. */
    private static final Set<String> ROTARY_FACTORS =
            Set.of("rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight");

    private GgufInspection() {}

    static Inspection of(Path file) throws IOException {
        try (GgufReader reader = reader(file)) {
            return of(file, reader);
        }
    }

    /** Of the whole model, or of one of its files where the others are not beside it. */
    private static GgufReader reader(Path file) throws IOException {
        try {
            return GgufReader.open(file);
        } catch (MalformedFileException _) {
            return GgufReader.openPart(file);
        }
    }

    private static Inspection of(Path file, GgufReader reader) throws IOException {
        GgufHeader header = reader.header();
        List<Tensor> tensors = new ArrayList<>();
        long bytes = 0;
        long parameters = 0;
        for (GgufTensor tensor : header.tensors()) {
            tensors.add(
                    new Tensor(tensor.name(), tensor.shape(), tensor.layout().name(), tensor.byteSize()));
            bytes += tensor.byteSize();
            parameters +=
                    ROTARY_FACTORS.contains(tensor.name()) ? 0 : tensor.shape().elements();
        }
        Optional<String> architecture = header.metadata().get(ARCHITECTURE) instanceof GgufValue.Text(String name)
                ? Optional.of(name)
                : Optional.empty();
        return new Inspection(
                reader.files() == 1 ? "GGUF v3" : "GGUF v3 in " + reader.files() + " files",
                architecture,
                Optional.of(parameters),
                bytes,
                reader.fileBytes(),
                notReadable(file),
                metadata(header.metadata()),
                tensors);
    }

    private static Optional<String> notReadable(Path file) throws IOException {
        try (GgufWeights _ = GgufWeights.open(file)) {
            return Optional.empty();
        } catch (MalformedFileException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    private static List<Metadata> metadata(Map<String, GgufValue> values) {
        List<Metadata> entries = new ArrayList<>();
        values.forEach((key, value) -> {
            String type = value.type().name().toLowerCase(Locale.ROOT);
            entries.add(
                    value instanceof GgufValue.Items(GgufValue.Type of, List<GgufValue> items)
                            ? new Metadata(
                                    key,
                                    type + " of " + of.name().toLowerCase(Locale.ROOT),
                                    items.stream()
                                            .limit(ITEMS_SHOWN)
                                            .map(GgufInspection::plain)
                                            .toList(),
                                    Optional.of((long) items.size()))
                            : new Metadata(key, type, plain(value), Optional.empty()));
        });
        return entries;
    }

    private static Object plain(GgufValue value) {
        return switch (value) {
            case GgufValue.Whole(var _, long number) -> number;
            // Shown as the file has it: 1.0E-5, not the double beside it.
            case GgufValue.Real(GgufValue.Type type, double number) ->
                type == GgufValue.Type.F32 ? (Object) (float) number : (Object) number;
            case GgufValue.Flag(boolean flag) -> flag;
            case GgufValue.Text(String text) -> text;
            case GgufValue.Items items -> items.values().size() + " values";
        };
    }
}
