package io.millrace.quantizer;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.events.Parameters.Quantize;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * {@code tensor-report.json} beside the weights: for each tensor its type, shape, bytes, ||w − w'|| / ||w||, largest
 * |w − w'|, exact zeros before and after, and why another type than the asked one was used; then the tensors that were
 * left out, since the format holds none but the text model's; before all, what the format cannot say of the model.
 */
final class TensorReportFile {
    private static final ObjectMapper JSON = new ObjectMapper();

    private TensorReportFile() {}

    static void write(
            Path folder,
            Quantize parameters,
            Optional<String> note,
            List<TensorReport> report,
            List<TensorSpec> leftOut)
            throws IOException {
        ObjectNode root = JSON.createObjectNode();
        root.put("version", 1);
        root.put("format", parameters.name());
        root.put("type", parameters.type());
        note.ifPresent(lost -> root.put("note", lost));
        ArrayNode tensors = root.putArray("tensors");
        for (TensorReport tensor : report) {
            ObjectNode node = tensors.addObject();
            node.put("name", tensor.name());
            node.put("type", tensor.type());
            ArrayNode shape = node.putArray("shape");
            tensor.shape().extents().forEach(shape::add);
            node.put("bytes", tensor.bytes());
            node.put("relative-error", tensor.relativeError());
            node.put("max-error", tensor.maxError());
            node.put("zeros-before", tensor.zerosBefore());
            node.put("zeros-after", tensor.zerosAfter());
            if (!tensor.note().isEmpty()) {
                node.put("note", tensor.note());
            }
        }
        ArrayNode others = leftOut.isEmpty() ? JSON.createArrayNode() : root.putArray("left-out");
        for (TensorSpec tensor : leftOut) {
            ObjectNode node = others.addObject().put("name", tensor.name());
            tensor.shape().extents().forEach(node.putArray("shape")::add);
            node.put("bytes", tensor.byteSize());
        }
        Files.writeString(folder.resolve("tensor-report.json"), root.toString());
    }
}
