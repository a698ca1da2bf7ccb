package io.millrace.tensors.inspection;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** Looks into models. */
public final class Inspector {
    private Inspector() {}

    /**
     * What is in a GGUF file, a safetensors file, an ONNX graph with its weights, or the folder of a model; a folder whose only model is one GGUF file is
     * that file.
     */
    public static Inspection inspect(Path path) throws IOException {
        Optional<Path> gguf = ModelFormats.gguf(path);
        if (gguf.isPresent()) {
            return GgufInspection.of(gguf.get());
        }
        Optional<Path> onnx = ModelFormats.onnx(path);
        if (onnx.isPresent()) {
            return OnnxInspection.of(onnx.get());
        }
        return Files.isDirectory(path) ? SafetensorsInspection.ofFolder(path) : SafetensorsInspection.ofFile(path);
    }
}
