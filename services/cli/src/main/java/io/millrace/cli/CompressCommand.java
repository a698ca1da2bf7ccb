package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.cli.compress.Compressor;
import io.millrace.cli.compress.Compressor.Outcome;
import io.millrace.cli.compress.EvaluationText;
import io.millrace.events.Parameters.Gguf;
import io.millrace.models.TensorRuntime;
import io.millrace.quantizer.QuantizeStage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The quantize stage as a command. */
@SuppressWarnings("NullAway.Init") // picocli sets the fields
@Command(
        name = "compress",
        description = {
            "Compresses a checkpoint, a Hugging Face folder with safetensors, in this process: no Kafka, no policy. The"
                    + " files are the same bytes that the pipeline makes.",
            "",
            "For each target OUT gets a folder such as gguf-Q4_K_M with the model and tensor-report.json (what became of"
                    + " each tensor), a picture gguf-Q4_K_M.svg of the errors by layer and kind of tensor, and with"
                    + " --evaluate gguf-Q4_K_M.quality.json. The relative error in the table is the root mean square"
                    + " of the tensors' own, each counted as often as it has weights. Interrupted, it leaves complete targets and nothing else."
        },
        mixinStandardHelpOptions = true,
        footer = {
            "",
            "Ends with 5 if nothing could be made, with 6 if only a part could be made or measured.",
            "",
            "Examples:",
            "  millrace compress ./chat-7b --to gguf:Q4_K_M -o ./compressed",
            "  millrace compress ./chat-7b --to gguf:Q6_K --to compressed-tensors:W4A16 -o ./compressed"
                    + " --evaluate held-out.txt",
            "  millrace compress ./chat-7b --to gguf:IQ4_XS -o ./compressed --importance imatrix.gguf",
            "  millrace compress ./chat-7b --to gguf:Q4_K_M -o ./compressed --output-tensor-type Q8_0"
                    + " --tensor-type ffn_down=Q6_K",
            "  millrace compress ./chat-7b --to compressed-tensors:W4A16 -o ./compressed --module-scheme down_proj=W8A16"
                    + " --ignore 'layers.0.'",
            "  millrace compress ./chat-7b --to literature:uniform --bits 4 --input-bits 8 --to literature:ternary"
                    + " -o ./compressed --evaluate held-out.txt"
        })
final class CompressCommand implements Callable<Integer> {
    private static final int PROCESSORS = Runtime.getRuntime().availableProcessors();

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "DIR", description = "The checkpoint's folder.")
    private Path model;

    @Option(
            names = "--to",
            paramLabel = "FORMAT:TYPE",
            required = true,
            converter = TargetConverter.class,
            completionCandidates = Targets.class,
            description = "What to make; may be given several times. One of ${COMPLETION-CANDIDATES}.")
    private List<CompressionTarget> targets;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "OUT",
            required = true,
            description = "Folder for the results; made if it is not there.")
    private Path out;

    @Option(
            names = "--importance",
            paramLabel = "FILE",
            description = "An importance matrix that llama.cpp's llama-imatrix made of this model (GGUF or .dat): GGUF"
                    + " files are made with it, other formats do without.")
    private @Nullable Path importance;

    @Mixin
    private final GgufTargetOptions gguf = new GgufTargetOptions();

    @Mixin
    private final ModuleSchemeOptions modules = new ModuleSchemeOptions();

    @Mixin
    private final LiteratureTargetOptions literature = new LiteratureTargetOptions();

    @Option(
            names = "--evaluate",
            paramLabel = "TEXT",
            description = "Measures each result against the checkpoint on this held-out text, as the pipeline does:"
                    + " perplexity, KL divergence, same top token.")
    private @Nullable Path text;

    @Option(
            names = "--sequences",
            paramLabel = "N",
            description =
                    "Windows of the text to measure at most (default: 64, or as many as a measurement takes if that"
                            + " is more).")
    private @Nullable Integer sequences;

    @Option(
            names = "--length",
            paramLabel = "N",
            description = "Tokens per window (default: 512, or the model's longest context if that is less).")
    private @Nullable Integer length;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Threads that compute, 1 to " + QuantizeStage.MOST_THREADS
                    + "; changes no byte of a model (default: one per processor). So many measure, too, unless"
                    + " MILLRACE_TENSOR_THREADS says it.")
    private int threads = Math.min(QuantizeStage.MOST_THREADS, PROCESSORS);

    @Option(
            names = "--output",
            paramLabel = "FORM",
            description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
    private Output.Form form = Output.Form.table;

    /** Reads {@code format:type}. */
    static final class TargetConverter implements ITypeConverter<CompressionTarget> {
        @Override
        public CompressionTarget convert(String value) {
            try {
                return CompressionTarget.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** For help and shells. */
    static final class Targets extends ArrayList<String> {
        Targets() {
            super(CompressionTarget.all().stream()
                    .map(CompressionTarget::toString)
                    .toList());
        }
    }

    @Override
    public Integer call() throws IOException {
        Output output = new Output(spec, form);
        List<Outcome.Made> made = new ArrayList<>();
        return StoppableWork.run(
                spec,
                output,
                () -> made.isEmpty()
                        ? "nothing was left in " + out
                        : "targets that were complete lie in " + out + ", nothing else was left",
                progress -> compress(output, progress, made));
    }

    private int compress(Output output, ProgressLine progress, List<Outcome.Made> made)
            throws IOException, InterruptedException {
        CompressFiles files = new CompressFiles(model, out, Optional.ofNullable(importance), Optional.ofNullable(text));
        Set<CompressionTarget> wanted = check(files);
        CompressFiles.Weights weights = files.weights();
        CompressWork.remarkLost(output, wanted, weights);
        CompressWork.remarkMade(output, model, weights);
        weights.tokenizerDoubt().ifPresent(output::remark);
        files.adapter().ifPresent(adapter -> output.remark(adapter.remark()));
        Compressor compressor =
                new Compressor(model, out, files.importance(), threads, System::nanoTime, progress::show);
        Optional<EvaluationText> evaluation = evaluation();
        List<Outcome.Refused> refused = new ArrayList<>();
        new CompressWork(output, progress, compressor, evaluation).run(wanted, made, refused);
        Compressed all = new Compressed(model, weights.bytes(), made, refused);
        output.print(all, () -> CompressTable.of(all, evaluation.isPresent()));
        return all.exitCode();
    }

    private Optional<EvaluationText> evaluation() throws IOException {
        if (text == null) {
            return Optional.empty();
        }
        TensorRuntime.takeThreads(threads);
        try {
            return Optional.of(
                    EvaluationText.of(model, text, Optional.ofNullable(sequences), Optional.ofNullable(length)));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private Set<CompressionTarget> wanted() {
        Set<CompressionTarget> wanted = new LinkedHashSet<>();
        try {
            targets.forEach(target -> wanted.add(literature.applyTo(modules.applyTo(gguf.applyTo(target)))));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
        return wanted;
    }

    /** Refuses what cannot be; returns what to make, each once, in the order asked for. */
    private Set<CompressionTarget> check(CompressFiles files) throws IOException {
        if (threads < 1 || threads > QuantizeStage.MOST_THREADS) {
            throw new ParameterException(
                    spec.commandLine(), "--threads is " + threads + ", expected 1 to " + QuantizeStage.MOST_THREADS);
        }
        files.check();
        Set<CompressionTarget> wanted = wanted();
        UnusedOptions.refuse(spec, wanted);
        for (CompressionTarget target : wanted) {
            if (importance == null && target.parameters() instanceof Gguf type && type.needsImportance()) {
                throw new ParameterException(
                        spec.commandLine(),
                        target + " is too coarse without an importance matrix; give one with --importance, or choose a"
                                + " larger type");
            }
            files.checkNew(target);
        }
        OutputPlace.require(out, "name another folder with -o");
        return wanted;
    }
}
