package io.millrace.benchmarker;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.compressed.CompressedTensorsReader;
import io.millrace.tensors.format.gguf.GgufPartName;
import io.millrace.tensors.format.gguf.GgufWeights;
import io.millrace.tensors.format.literature.LiteratureWeights;
import io.millrace.tensors.format.onnx.OnnxPlan;
import io.millrace.tensors.format.onnx.OnnxWeights;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A finished artifact, opened for measuring.
 *
 * @param tensorBytes what the weights take, without headers, configuration and tokenizer; of a scheme of the literature
 *     its codes and scales, not the dense values beside them
 * @param fileBytes all files
 */
record Candidate(Format format, Path weightsAt, WeightSource weights, long tensorBytes, long fileBytes)
        implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What kind of artifact it is, and so which runtime executes it. */
    enum Format {
        GGUF,
        COMPRESSED_TENSORS,
        LITERATURE,
        ONNX,
        DENSE
    }

    static Candidate open(Path folder) throws IOException {
        List<Path> files;
        try (var walk = Files.walk(folder)) {
            files = walk.filter(Files::isRegularFile).toList();
        }
        long fileBytes = 0;
        for (Path file : files) {
            fileBytes += Files.size(file);
        }
        List<Path> ggufs = files.stream()
                .filter(file -> file.toString().endsWith(GgufPartName.ENDING))
                .toList();
        if (!ggufs.isEmpty()) {
            Path gguf = GgufPartName.modelIn(ggufs)
                    .orElseThrow(() -> new MalformedFileException(
                            folder, -1, "holds " + ggufs.size() + " GGUF files, expected one model"));
            GgufWeights weights = GgufWeights.open(gguf);
            return new Candidate(Format.GGUF, gguf, weights, sum(weights.tensors()), fileBytes);
        }
        if (Files.exists(folder.resolve(OnnxPlan.GRAPH))) {
            OnnxWeights weights = OnnxWeights.open(folder);
            return new Candidate(Format.ONNX, folder, weights, weights.tensorBytes(), fileBytes);
        }
        long tensorBytes;
        try (SafetensorsFolder raw = SafetensorsFolder.open(folder)) {
            tensorBytes = sum(raw.tensors());
        }
        JsonNode config = config(folder);
        if (config.has("quantization_config")) {
            return new Candidate(
                    Format.COMPRESSED_TENSORS, folder, CompressedTensorsReader.open(folder), tensorBytes, fileBytes);
        }
        if (config.has(ModelConfig.LITERATURE_SCHEME)) {
            LiteratureWeights weights = LiteratureWeights.open(folder);
            return new Candidate(Format.LITERATURE, folder, weights, weights.schemeBytes(), fileBytes);
        }
        return new Candidate(Format.DENSE, folder, Checkpoint.open(folder), tensorBytes, fileBytes);
    }

    private static JsonNode config(Path folder) throws IOException {
        Path config = folder.resolve("config.json");
        if (!Files.isRegularFile(config)) {
            throw new MalformedFileException(folder, -1, "holds neither a GGUF file nor a config.json");
        }
        return JSON.readTree(config.toFile());
    }

    private static long sum(List<TensorSpec> tensors) {
        return tensors.stream().mapToLong(TensorSpec::byteSize).sum();
    }

    @Override
    public void close() throws IOException {
        weights.close();
    }
}
