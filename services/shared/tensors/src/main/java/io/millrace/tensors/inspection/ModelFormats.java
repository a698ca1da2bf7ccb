package io.millrace.tensors.inspection;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.compressed.CompressedTensorsReader;
import io.millrace.tensors.format.gguf.GgufPartName;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.tensors.format.gguf.GgufWeights;
import io.millrace.tensors.format.literature.LiteratureWeights;
import io.millrace.tensors.format.onnx.OnnxPlan;
import io.millrace.tensors.format.onnx.OnnxWeights;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/** Finds out which format a model has, and opens it. */
public final class ModelFormats {
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;
    private static final String EXPECTED =
            "expected a GGUF file, a .safetensors file, a .onnx file, or the folder of a model";

    private ModelFormats() {}

    /** The weights in a GGUF file, an ONNX folder, a compressed-tensors folder, one of the literature, or a dense folder. */
    public static WeightSource open(Path model) throws IOException {
        Optional<Path> onnx = onnx(model);
        if (onnx.isPresent()) {
            return OnnxWeights.openGraph(onnx.get());
        }
        Optional<Path> gguf = gguf(model);
        if (gguf.isPresent()) {
            return GgufWeights.open(gguf.get());
        }
        if (!Files.isDirectory(model)) {
            throw new MalformedFileException(
                    model, -1, "is no model by itself; name its folder, where its config.json is");
        }
        ObjectNode config = StrictJson.readFile(ModelFolder.config(model), CONFIG_LIMIT_BYTES);
        if (config.has("quantization_config")) {
            return CompressedTensorsReader.openWeights(model);
        }
        return config.has(ModelConfig.LITERATURE_SCHEME) ? LiteratureWeights.open(model) : Checkpoint.open(model);
    }

    /** The graph that a path is, or that is the model of a folder; empty for other formats. */
    public static Optional<Path> onnx(Path model) {
        if (!Files.isDirectory(model)) {
            return Optional.of(model)
                    .filter(file -> Files.exists(file) && file.toString().endsWith(".onnx"));
        }
        boolean dense = Files.exists(model.resolve(SafetensorsFolder.SINGLE))
                || Files.exists(model.resolve(SafetensorsFolder.INDEX));
        return Optional.of(model.resolve(OnnxPlan.GRAPH)).filter(file -> !dense && Files.exists(file));
    }

    /** The GGUF file that a path is, or that is, or begins, the only model in a folder; empty for other formats. */
    public static Optional<Path> gguf(Path model) throws IOException {
        if (!Files.exists(model)) {
            throw new NoSuchFileException(model.toString());
        }
        if (onnx(model).isPresent()) {
            return Optional.empty();
        }
        if (!Files.isDirectory(model)) {
            return ggufFile(model);
        }
        if (Files.exists(model.resolve(SafetensorsFolder.SINGLE))
                || Files.exists(model.resolve(SafetensorsFolder.INDEX))) {
            return Optional.empty();
        }
        List<Path> ggufs;
        try (var files = Files.list(model)) {
            ggufs = files.filter(file -> file.toString().endsWith(GgufPartName.ENDING))
                    .sorted()
                    .toList();
        }
        if (ggufs.isEmpty()) {
            ModelFolder.refusePickles(model);
            throw new MalformedFileException(
                    model,
                    -1,
                    "holds neither " + SafetensorsFolder.SINGLE + " nor " + SafetensorsFolder.INDEX + " nor "
                            + OnnxPlan.GRAPH
                            + " nor a GGUF file, expected one of them; name the folder or file of a model");
        }
        Optional<Path> whole = GgufPartName.modelIn(ggufs);
        if (whole.isPresent()) {
            return whole;
        }
        throw new MalformedFileException(
                model,
                -1,
                "holds " + ggufs.size() + " GGUF files, name one of them: "
                        + String.join(
                                ", ",
                                ggufs.stream()
                                        .map(file -> String.valueOf(file.getFileName()))
                                        .toList()));
    }

    private static Optional<Path> ggufFile(Path file) throws IOException {
        if (GgufReader.startsLikeOne(file)) {
            return Optional.of(file);
        }
        if (file.toString().endsWith(".safetensors")) {
            return Optional.empty();
        }
        throw new MalformedFileException(file, 0, "starts with " + start(file) + ", " + EXPECTED);
    }

    private static String start(Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            int read = 0;
            while (bytes.hasRemaining() && read >= 0) {
                read = channel.read(bytes);
            }
        }
        StringBuilder text = new StringBuilder("the bytes");
        for (int i = 0; i < bytes.position(); i++) {
            text.append(String.format(" %02x", bytes.get(i)));
        }
        return bytes.position() == 0 ? "nothing: it is empty" : text.toString();
    }
}
