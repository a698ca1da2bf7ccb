package io.millrace.tensors.inspection;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.checkpoint.DenseCopy;
import io.millrace.tensors.format.gguf.GgufHeader;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.tensors.format.gguf.tokenizer.GenerationFile;
import io.millrace.tensors.format.gguf.tokenizer.TokenizerRebuild;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/**
 * A model of any format as a dense Hugging Face folder.
 *
 * @param architecture of the model
 * @param type of every tensor that was written
 * @param tokenizer what became of the tokenizer
 * @param textAlone whether the source is multimodal and only its text model was written
 */
public record Dequantization(
        String architecture, DType type, long parameters, int tensors, Tokenizer tokenizer, boolean textAlone) {
    /** Whether the folder can turn text into tokens. */
    public enum Tokenizer {
        /** The source's files. */
        COPIED,
        /** Made from the keys of a GGUF file. */
        REBUILT,
        /** The GGUF file's keys say something that cannot be put into a tokenizer.json without a guess. */
        MISSING
    }

    /**
     * Writes {@code folder}; interrupted or failed, it leaves no weights behind.
     *
     * @param type F32, F16 or BF16; empty for the one of a dense source, and BF16 for a quantized one
     */
    public static Dequantization write(Path model, Path folder, Optional<DType> type, Progress progress)
            throws IOException, InterruptedException {
        Optional<Path> gguf = ModelFormats.gguf(model);
        try (WeightSource source = ModelFormats.open(model)) {
            DType written = type.orElseGet(() -> DenseCopy.naturalType(source));
            ObjectNode config = source.config().headed();
            Optional<GgufHeader> header = Optional.empty();
            if (gguf.isPresent()) {
                header = Optional.of(GgufReader.headerOf(gguf.get()));
                TokenizerRebuild.of(header.get()).addIds(config);
            }
            new DenseCopy(source, String.valueOf(gguf.orElse(model).getFileName()), written)
                    .write(
                            folder,
                            config,
                            gguf.isPresent() ? Optional.empty() : Optional.of(folderOf(model)),
                            progress);
            Tokenizer tokenizer = Tokenizer.COPIED;
            if (header.isPresent()) {
                GenerationFile.of(header.get()).write(folder, config);
                tokenizer = TokenizerRebuild.of(header.get()).write(folder) ? Tokenizer.REBUILT : Tokenizer.MISSING;
            }
            return new Dequantization(
                    source.config().architecture().className(),
                    written,
                    source.tensors().stream()
                            .mapToLong(tensor -> tensor.shape().elements())
                            .sum(),
                    source.tensors().size(),
                    tokenizer,
                    source.config().multimodal().isPresent());
        }
    }

    /** The folder itself, or that of a file. */
    private static Path folderOf(Path model) {
        return Files.isDirectory(model)
                ? model
                : Objects.requireNonNull(model.toAbsolutePath().getParent(), "a file has a folder");
    }
}
