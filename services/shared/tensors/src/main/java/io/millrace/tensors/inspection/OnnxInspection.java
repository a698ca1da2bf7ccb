package io.millrace.tensors.inspection;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.onnx.OnnxFile;
import io.millrace.tensors.format.onnx.OnnxWeights;
import io.millrace.tensors.inspection.Inspection.Metadata;
import io.millrace.tensors.inspection.Inspection.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/** Shows an ONNX graph, of whatever tool: the constants in the file beside it and its metadata. */
final class OnnxInspection {
    private OnnxInspection() {}

    static Inspection of(Path graph) throws IOException {
        try (OnnxFile file = OnnxFile.open(graph)) {
            List<Metadata> metadata = new TreeMap<>(file.metadata())
                    .entrySet().stream()
                            .map(entry -> new Metadata(entry.getKey(), "string", entry.getValue(), Optional.empty()))
                            .toList();
            List<Tensor> tensors = file.constants().stream()
                    .map(constant -> new Tensor(constant.name(), constant.shape(), constant.type(), constant.bytes()))
                    .toList();
            Optional<String> architecture = Optional.empty();
            Optional<Long> parameters = Optional.empty();
            Optional<String> notReadable = Optional.empty();
            try (OnnxWeights weights = OnnxWeights.openGraph(graph)) {
                architecture = Optional.of(weights.config().architecture().className());
                parameters = Optional.of(weights.tensors().stream()
                        .mapToLong(tensor -> tensor.shape().elements())
                        .sum());
            } catch (MalformedFileException e) {
                notReadable = Optional.of(String.valueOf(e.getMessage()));
            }
            return new Inspection(
                    "ONNX",
                    architecture,
                    parameters,
                    file.tensorBytes(),
                    Files.size(graph) + file.dataBytes(),
                    notReadable,
                    metadata,
                    tensors);
        }
    }
}
