package io.millrace.cli;

import io.millrace.tensors.Shape;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspection.Metadata;
import io.millrace.tensors.inspection.Inspection.TypeTotal;
import io.millrace.tensors.inspection.Inspector;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what is in a model file or folder. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
@Command(
        name = "inspect",
        description = "Shows what is in a model: a GGUF file of any tool, a safetensors file, a Hugging Face folder, a"
                + " compressed-tensors folder, an ONNX graph. Reads headers only. Long lists and texts are shortened; --output json has"
                + " whole texts, and every tensor.",
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Ends with 5 if the file is damaged or is no model.",
            "",
            "Examples:",
            "  millrace inspect ./compressed/gguf-Q4_K_M/model-Q4_K_M.gguf",
            "  millrace inspect ./chat-7b --tensors",
            "  millrace inspect ./chat-7b --output json"
        })
final class InspectCommand implements Callable<Integer> {
    private static final int LONGEST_VALUE = 100;

    @Mixin
    private final Output output = new Output();

    @Parameters(
            index = "0",
            paramLabel = "FILE|DIR",
            description = "A GGUF, safetensors or ONNX file, or a model's folder.")
    private Path path;

    @Option(names = "--tensors", description = "Lists every tensor too.")
    private boolean tensors;

    /** The document for programs. */
    record Inspected(
            Path path,
            String format,
            Optional<String> architecture,
            Optional<Long> parameters,
            Optional<Double> bitsPerWeight,
            long tensorBytes,
            long fileBytes,
            Optional<String> notReadable,
            List<Metadata> metadata,
            List<TypeTotal> types,
            List<InspectedTensor> tensors) {}

    /** A tensor; extents are those of torch, the row length last. */
    record InspectedTensor(String name, List<Long> shape, String type, long bytes) {}

    @Override
    public Integer call() throws IOException {
        ModelPath.require(path);
        Inspection inspection = Inspector.inspect(path);
        Inspected document = new Inspected(
                path,
                inspection.format(),
                inspection.architecture(),
                inspection.parameters(),
                inspection.bitsPerWeight(),
                inspection.tensorBytes(),
                inspection.fileBytes(),
                inspection.notReadable(),
                inspection.metadata(),
                inspection.totals(),
                inspection.tensors().stream()
                        .map(tensor -> new InspectedTensor(
                                tensor.name(), tensor.shape().extents(), tensor.type(), tensor.bytes()))
                        .toList());
        output.print(document, () -> text(inspection));
        return ExitCode.OK;
    }

    private String text(Inspection inspection) {
        String line = System.lineSeparator();
        StringBuilder text = new StringBuilder();
        text.append(path).append(": ").append(Text.printable(inspection.format()));
        inspection.architecture().ifPresent(name -> text.append(", ").append(Text.printable(name)));
        inspection
                .parameters()
                .ifPresent(count -> text.append(", ")
                        .append(String.format(Locale.ROOT, "%,d", count))
                        .append(" parameters"));
        inspection.bitsPerWeight().ifPresent(bits -> text.append(String.format(Locale.ROOT, ", %.3f bits each", bits)));
        text.append(", ").append(Text.bytes(inspection.fileBytes())).append(line);
        inspection
                .notReadable()
                .ifPresent(why -> text.append("Millrace cannot compute with it: ")
                        .append(Text.printable(why))
                        .append(line));
        if (!inspection.metadata().isEmpty()) {
            text.append(line)
                    .append(new Table(
                            List.of("key", "type", "value"),
                            inspection.metadata().stream()
                                    .map(entry -> List.of(Text.printable(entry.key()), entry.type(), value(entry)))
                                    .toList()));
        }
        text.append(line)
                .append(new Table(
                        List.of("type", "tensors", "elements", "bytes"),
                        inspection.totals().stream()
                                .map(total -> List.of(
                                        total.type(),
                                        Long.toString(total.tensors()),
                                        String.format(Locale.ROOT, "%,d", total.elements()),
                                        Text.bytes(total.bytes())))
                                .toList()));
        if (tensors) {
            text.append(line)
                    .append(new Table(
                            List.of("tensor", "shape", "type", "bytes"),
                            inspection.tensors().stream()
                                    .map(tensor -> List.of(
                                            Text.printable(tensor.name()),
                                            shape(tensor.shape()),
                                            tensor.type(),
                                            Text.bytes(tensor.bytes())))
                                    .toList()));
        }
        return text.toString();
    }

    private static String shape(Shape shape) {
        return shape.extents().stream().map(String::valueOf).collect(Collectors.joining(" × "));
    }

    private static String value(Metadata entry) {
        String shown = entry.value() instanceof List<?> items
                ? items.stream().map(String::valueOf).collect(Collectors.joining(", "))
                : String.valueOf(entry.value());
        boolean more = entry.items().isPresent()
                && entry.value() instanceof List<?> items
                && items.size() < entry.items().get();
        String text = Text.printable(shown);
        if (text.codePointCount(0, text.length()) > LONGEST_VALUE) {
            text = text.substring(0, text.offsetByCodePoints(0, LONGEST_VALUE)) + " …";
        } else if (more) {
            text += ", …";
        }
        return entry.items().map(count -> count + ": ").orElse("") + text;
    }
}
