package io.millrace.quantizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.format.gguf.GgufReader;
import io.millrace.tensors.format.gguf.GgufTensor;
import io.millrace.tensors.format.onnx.OnnxFile;
import io.millrace.tensors.format.onnx.OnnxPlan;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/**
 * Spoils a finished output as a wrong kernel would: the scales of the first row of the first layer's down projection are
 * {@value #FACTOR_EXPONENT} powers of two too large. Every length, count and digest stays right; only a measurement of the
 * model's answers can see it. It shows that the gate bites, and is switched on by {@code MILLRACE_PLANTED_FAULT=scales}
 * in the environment of a quantize worker.
 */
final class PlantedFault {
    static final int FACTOR_EXPONENT = 6;

    private static final String GGUF_TENSOR = "blk.0.ffn_down.weight";
    private static final String FOLDER_TENSOR = "model.layers.0.mlp.down_proj.weight_scale";
    /** Where a folder has dense values, they are spoiled as if their scale were. */
    private static final String DENSE_TENSOR = "model.layers.0.mlp.down_proj.weight";

    private static final String ONNX_TENSOR = "model.layers.0.mlp.down_proj.weight_scales";
    private static final int HALF_FRACTION_BITS = 10;
    private static final int BFLOAT16_FRACTION_BITS = 7;

    private static final Set<String> FLOATS = Set.of("F32", "F16", "BF16");

    private PlantedFault() {}

    static boolean wanted() {
        return "scales".equals(System.getenv("MILLRACE_PLANTED_FAULT"));
    }

    /** @throws IllegalStateException if nothing was spoiled: a sound model would be called a spoiled one */
    static void plant(Path output) throws IOException {
        Path graph = output.resolve(OnnxPlan.GRAPH);
        if (Files.exists(graph)) {
            besideGraph(graph);
            return;
        }
        boolean spoiled = false;
        try (var files = Files.newDirectoryStream(output, "*.{safetensors,gguf}")) {
            for (Path file : files) {
                spoiled |= file.toString().endsWith(".gguf") ? inGguf(file) : inSafetensors(file);
            }
        }
        if (!spoiled) {
            throw new IllegalStateException(output + ": no file holds " + GGUF_TENSOR + ", " + FOLDER_TENSOR + " or "
                    + DENSE_TENSOR + ", whose scales were to be spoiled");
        }
    }

    private static boolean inSafetensors(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        int headerLength = Math.toIntExact(data.getLong(0));
        JsonNode header = new ObjectMapper().readTree(bytes, Long.BYTES, headerLength);
        JsonNode tensor = header.path(header.has(FOLDER_TENSOR) ? FOLDER_TENSOR : DENSE_TENSOR);
        // Of codes the scales are in another file.
        if (!FLOATS.contains(tensor.path("dtype").asText())) {
            return false;
        }
        int from =
                Long.BYTES + headerLength + tensor.path("data_offsets").path(0).intValue();
        boolean wide = tensor.path("dtype").asText().equals("F32");
        boolean half = tensor.path("dtype").asText().equals("F16");
        for (int i = 0; i < tensor.path("shape").path(1).intValue(); i++) {
            // The upper half of an F32 is a BF16.
            int at = wide ? from + i * Float.BYTES + Short.BYTES : from + i * Short.BYTES;
            enlarge(data, at, half ? HALF_FRACTION_BITS : BFLOAT16_FRACTION_BITS);
        }
        Files.write(file, bytes);
        return true;
    }

    private static void besideGraph(Path graph) throws IOException {
        OnnxFile.Constant scales;
        try (OnnxFile file = OnnxFile.open(graph)) {
            scales = file.constants().stream()
                    .filter(constant -> constant.name().equals(ONNX_TENSOR))
                    .findFirst()
                    .orElseThrow();
        }
        Path data = graph.resolveSibling(OnnxPlan.DATA);
        byte[] bytes = Files.readAllBytes(data);
        ByteBuffer numbers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < scales.shape().rowLength(); i++) {
            // The upper half of an F32 is a BF16.
            enlarge(numbers, Math.toIntExact(scales.offset()) + i * Float.BYTES + Short.BYTES, BFLOAT16_FRACTION_BITS);
        }
        Files.write(data, bytes);
    }

    private static boolean inGguf(Path file) throws IOException {
        long dataAt;
        GgufTensor tensor;
        try (GgufReader reader = GgufReader.openPart(file)) {
            Optional<GgufTensor> found = reader.header().tensors().stream()
                    .filter(candidate -> candidate.name().equals(GGUF_TENSOR))
                    .findFirst();
            if (found.isEmpty()) {
                return false;
            }
            tensor = found.get();
            dataAt = reader.dataOffset() + tensor.offset();
        }
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        GgufType type = tensor.type();
        long blocks = tensor.shape().rowLength() / type.blockElements();
        for (int block = 0; block < blocks; block++) {
            int at = Math.toIntExact(dataAt + (long) block * type.blockBytes());
            switch (type) {
                case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS, F16 -> enlarge(data, at, HALF_FRACTION_BITS);
                case Q4_1, Q5_1, Q4_K, Q5_K -> {
                    enlarge(data, at, HALF_FRACTION_BITS);
                    enlarge(data, at + Short.BYTES, HALF_FRACTION_BITS);
                }
                case Q2_K -> {
                    enlarge(data, at + type.blockBytes() - 2 * Short.BYTES, HALF_FRACTION_BITS);
                    enlarge(data, at + type.blockBytes() - Short.BYTES, HALF_FRACTION_BITS);
                }
                case Q3_K, Q6_K, TQ2_0 -> enlarge(data, at + type.blockBytes() - Short.BYTES, HALF_FRACTION_BITS);
                case BF16 -> enlarge(data, at, BFLOAT16_FRACTION_BITS);
                case F32 -> enlarge(data, at + Short.BYTES, BFLOAT16_FRACTION_BITS);
                case MXFP4 -> data.put(at, (byte) (data.get(at) + FACTOR_EXPONENT));
            }
        }
        Files.write(file, bytes);
        return true;
    }

    private static void enlarge(ByteBuffer data, int at, int fractionBits) {
        short scale = data.getShort(at);
        boolean zero = (scale & 0x7fff) == 0;
        data.putShort(at, zero ? scale : (short) (scale + (FACTOR_EXPONENT << fractionBits)));
    }
}
