package io.millrace.cli;

import io.millrace.cli.compress.CompressionTarget;
import io.millrace.client.LoraAdapter;
import io.millrace.client.RefusedCheckpointException;
import io.millrace.client.TokenizerFit;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a compression reads, and where it writes. What cannot be is refused at once, not after an hour.
 *
 * @param out gets a folder for each target
 * @param text to measure the results on
 */
record CompressFiles(Path model, Path out, Optional<Path> importance, Optional<Path> text) {
    void check() throws IOException {
        if (Files.isRegularFile(model)) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    model + " is a file, expected the folder of a checkpoint; 'millrace dequantize' makes one of a GGUF"
                            + " file");
        }
        if (!Files.exists(model)) {
            throw MissingFolder.failure(model);
        }
        Optional<LoraAdapter> adapter = adapter().filter(LoraAdapter::alone);
        if (adapter.isPresent()) {
            throw new CommandFailure(ExitCode.REFUSED, adapter.get().refusal());
        }
        if (!Files.exists(model.resolve(ModelFolder.CONFIG))) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    model + " has no " + ModelFolder.CONFIG + ", expected the folder of a checkpoint: "
                            + ModelFolder.CONFIG + ", safetensors and tokenizer files");
        }
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new CommandFailure(ExitCode.REFUSED, out + " is a file, expected a folder; name another with -o");
        }
        if (importance.isPresent() && !Files.isRegularFile(importance.get())) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "there is no importance matrix " + importance.get());
        }
        if (text.isPresent() && !Files.isRegularFile(text.get())) {
            throw new CommandFailure(ExitCode.NOT_FOUND, "there is no text " + text.get() + " to evaluate with");
        }
    }

    /** A LoRA adapter in the checkpoint's folder; no stage reads it. */
    Optional<LoraAdapter> adapter() {
        return LoraAdapter.in(model);
    }

    /** Refuses a target that was made before. */
    void checkNew(CompressionTarget target) {
        Path folder = out.resolve(target.folderName());
        if (Files.exists(folder)) {
            throw new CommandFailure(ExitCode.REFUSED, folder + " exists; delete it or name another folder with -o");
        }
    }

    /**
     * What is read.
     *
     * @param bytes of the language model
     * @param seeing tensors with which a multimodal model sees
     * @param lostModules what sentence-transformers would miss in any result
     * @param madeBy the stage or command that made these weights, if no training did
     * @param tokenizerDoubt what speaks against the tokenizer in the folder
     */
    record Weights(
            long bytes,
            List<TensorSpec> seeing,
            Optional<String> lostModules,
            Optional<String> madeBy,
            Optional<String> tokenizerDoubt) {}

    Weights weights() throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            return new Weights(
                    checkpoint.tensors().stream()
                            .mapToLong(TensorSpec::byteSize)
                            .sum(),
                    checkpoint.seeing(),
                    checkpoint.modules().lost(),
                    Optional.ofNullable(checkpoint.metadata().get(Checkpoint.MADE)),
                    TokenizerFit.doubt(model, checkpoint.config().vocabularySize()));
        } catch (RefusedCheckpointException e) {
            throw new CommandFailure(ExitCode.REFUSED, String.valueOf(e.getMessage()), e);
        }
    }
}
