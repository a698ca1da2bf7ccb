package io.millrace.cli;

import io.millrace.cli.compress.TargetFolder;
import io.millrace.tensors.DType;
import io.millrace.tensors.inspection.Dequantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Turns a compressed model into a dense folder. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
@Command(
        name = "dequantize",
        description = {
            "Turns a compressed model, also one that llama.cpp or llm-compressor made, into a dense Hugging Face folder:"
                    + " the numbers that its consumers compute with. What rounding lost stays lost.",
            "",
            "From a GGUF file config.json, generation_config.json and the tokenizer are made from the file's keys, and the"
                    + " rows of q and k are put back into Hugging Face's order. The folder carries the mark 'millrace.made': the pipeline does not"
                    + " take it for a checkpoint that a training wrote."
        },
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Ends with 5 if the model is damaged, is of an unknown kind, or does not fit the type.",
            "",
            "Examples:",
            "  millrace dequantize model-Q4_K_M.gguf -o ./dense",
            "  millrace dequantize ./compressed/compressed-tensors-W4A16 -o ./dense --dtype f32"
        })
final class DequantizeCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "IN", description = "A GGUF or ONNX file, or the folder of a model.")
    private Path model;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "OUT",
            required = true,
            description = "A new folder.")
    private Path out;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "${COMPLETION-CANDIDATES}; default: the type of a dense file, bf16 for a quantized one.")
    private @Nullable Type type;

    @Option(
            names = "--output",
            paramLabel = "FORM",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    private Output.Form form = Output.Form.table;

    /** The element types of a dense model. */
    enum Type {
        bf16(DType.BF16),
        f32(DType.F32),
        f16(DType.F16);

        private final DType stored;

        Type(DType stored) {
            this.stored = stored;
        }
    }

    /** What was written. */
    record Dequantized(Path folder, Dequantization model) {}

    @Override
    public Integer call() throws IOException {
        if (Files.exists(out)) {
            throw new CommandFailure(ExitCode.REFUSED, out + " exists; name a new folder with -o");
        }
        ModelPath.require(model);
        OutputPlace.require(out, "name another folder with -o");
        Output output = new Output(spec, form);
        return StoppableWork.run(spec, output, () -> "nothing was left of " + out, progress -> {
            progress.begin("dequantize");
            Dequantization written = write(progress);
            progress.clear();
            output.print(new Dequantized(out, written), () -> text(written));
            return ExitCode.OK;
        });
    }

    private Dequantization write(ProgressLine progress) throws IOException, InterruptedException {
        Path parent = Optional.ofNullable(out.toAbsolutePath().getParent()).orElse(out);
        try (TargetFolder work = TargetFolder.open(parent, String.valueOf(out.getFileName()), progress::show)) {
            Path folder = Files.createDirectory(work.folder().resolve("dense"));
            Dequantization written = Dequantization.write(
                    model, folder, Optional.ofNullable(type).map(chosen -> chosen.stored), work::progress);
            TargetFolder.publish(folder, out);
            return written;
        }
    }

    private String text(Dequantization written) {
        String tokenizer = switch (written.tokenizer()) {
            case COPIED -> "tokenizer files copied";
            case REBUILT -> "tokenizer made from the file's keys";
            case MISSING ->
                "no tokenizer: the file's keys name one that cannot be made without a guess; copy the"
                        + " tokenizer files of the original model into the folder";
        };
        return out + ": " + written.architecture() + ", " + written.tensors() + " tensors with " + written.parameters()
                + " parameters in " + written.type() + "; " + tokenizer
                + (written.textAlone() ? "; the text model alone, what the model sees with is left out" : "");
    }
}
