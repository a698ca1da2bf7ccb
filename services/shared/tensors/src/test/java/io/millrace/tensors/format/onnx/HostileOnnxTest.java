package io.millrace.tensors.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.DamagedBytes;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.protobuf.ProtobufWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileOnnxTest {
    @TempDir
    static Path parent;

    private static Path folder = Path.of("");
    private static ModelConfig config;
    private static byte[] graph = new byte[0];
    private static MemorySegment data = MemorySegment.NULL;

    @BeforeAll
    static void writeAValidModel() throws Exception {
        Path model = TinyModels.write(
                parent.resolve("model"),
                TinyModels.llama()
                        .put("hidden_size", 32)
                        .put("intermediate_size", 32)
                        .put("head_dim", 16)
                        .put("num_hidden_layers", 1)
                        .put("max_position_embeddings", 8)
                        .put("tie_word_embeddings", true),
                DType.F32,
                1);
        folder = parent.resolve("onnx");
        try (Checkpoint source = Checkpoint.open(model)) {
            config = source.config();
            OnnxPlan.of(source, OnnxType.INT4).write(folder, 1, Progress.NONE);
        }
        graph = Files.readAllBytes(folder.resolve(OnnxPlan.GRAPH));
        data = MemorySegment.ofArray(Files.readAllBytes(folder.resolve(OnnxPlan.DATA)));
    }

    @Test
    void theUndamagedModelIsRead() throws Exception {
        open(graph);
    }

    @Test
    void everyTruncationOfTheGraphIsNoticed() {
        for (int length = 0; length < graph.length; length += 7) {
            byte[] cut = Arrays.copyOf(graph, length);
            // Metadata and operator sets come last; a graph that lacks them alone is whole.
            if (length < graph.length - 200) {
                assertThatThrownBy(() -> open(cut)).as("%d bytes", length).isInstanceOf(MalformedFileException.class);
            }
        }
    }

    @Test
    void everyTruncationOfTheWeightsIsNoticed() {
        for (long length = 0; length < data.byteSize(); length += 511) {
            MemorySegment cut = data.asSlice(0, length);
            assertThatThrownBy(() -> open(graph, cut))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining("but the file has " + length + "; copy the file again");
        }
    }

    @Test
    void tenThousandDamagedFilesAreReadOrRefusedButNeverWorse() {
        // What is not read here, such as names of nodes, may be damaged unseen.
        assertThat(DamagedBytes.refused(graph, graph.length, HostileOnnxTest::open))
                .isGreaterThan(0.25);
    }

    @Test
    void weightsOutsideTheFolderAreRefused() throws Exception {
        for (String elsewhere :
                new String[] {"../onnx.data/xx", "/etc/passwd/xxx", "..model.onnx.xx", "a:model.onnx.x"}) {
            Path other = Files.createTempDirectory(parent, "other");
            Files.copy(folder.resolve("config.json"), other.resolve("config.json"));
            Files.write(
                    other.resolve(OnnxPlan.GRAPH),
                    replaced("model.onnx.data", (elsewhere + "xxxxxxxxxxxxxxx").substring(0, 15)));
            assertThatThrownBy(() -> OnnxWeights.open(other))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining("expected the plain name of a file in the same folder");
        }
    }

    @Test
    void aLinkOutOfTheFolderIsRefused() throws Exception {
        Path other = Files.createTempDirectory(parent, "link");
        Files.copy(folder.resolve("config.json"), other.resolve("config.json"));
        Files.copy(folder.resolve(OnnxPlan.GRAPH), other.resolve(OnnxPlan.GRAPH));
        Files.createSymbolicLink(other.resolve(OnnxPlan.DATA), folder.resolve(OnnxPlan.DATA));

        assertThatThrownBy(() -> OnnxWeights.open(other)).hasMessageContaining("leads outside its folder");
    }

    @Test
    void anotherModelsGraphIsRefusedByTheConstantThatDiffers() throws Exception {
        assertThatThrownBy(() -> open(replaced("q_proj.weight_Q4", "q_proj.weight_Q5")))
                .hasMessageContaining("q_proj.weight_Q4' is missing, expected the names that Millrace");
        assertThatThrownBy(() -> open(replaced("block_size", "block_sizf")))
                .hasMessageContaining("has block_size 0, expected 32");
        ModelConfig turned = ModelConfig.of(config.json().deepCopy().put("rope_theta", 20_000), "config.json");
        assertThatThrownBy(() -> open(graph, data, turned)).hasMessageContaining("'cos_cache'[1, 1] is ");
    }

    @Test
    void aGraphThatHoldsMoreThanTheModelIsRefused() throws Exception {
        ObjectNode deeper = config.json().deepCopy().put("num_hidden_layers", 2);
        Path model = TinyModels.write(parent.resolve("deeper"), deeper, DType.F32, 1);
        Path written = parent.resolve("deeper-onnx");
        try (Checkpoint source = Checkpoint.open(model)) {
            OnnxPlan.of(source, OnnxType.INT4).write(written, 1, Progress.NONE);
        }
        byte[] larger = Files.readAllBytes(written.resolve(OnnxPlan.GRAPH));
        MemorySegment weights = MemorySegment.ofArray(Files.readAllBytes(written.resolve(OnnxPlan.DATA)));

        assertThatThrownBy(() -> open(larger, weights))
                .hasMessageContaining("constant 'model.layers.1.")
                .hasMessageContaining("is none of the architecture LlamaForCausalLM");
    }

    /** Both would give other numbers than the graph does. */
    @Test
    void scalesOfAnotherMatrixAndAHeadThatIsNotTheEmbeddingAreRefused() {
        String gate = "model.layers.0.mlp.gate_proj.weight";
        String next = "_Q4\n" + (char) (gate + "_scales").length();
        String down = gate.replace("gate", "down");
        assertThatThrownBy(() -> open(replaced(gate + next + gate, gate + next + down)))
                .hasMessageContaining(
                        "3 inputs with scales '" + down + "_scales', expected 3 with '" + gate + "_scales'");

        String text = new String(graph, StandardCharsets.ISO_8859_1);
        String moved = text.replaceFirst("(?s)(lm_head\\.weight_Q4.{1,120}?offset\\x12\\x01)0", "$11");
        assertThat(moved).isNotEqualTo(text);
        assertThatThrownBy(() -> open(moved.getBytes(StandardCharsets.ISO_8859_1)))
                .hasMessageContaining("expected one place: the head is the embedding");
    }

    @Test
    void sizesThatOverflowAreRefused() {
        byte[] tensor = new ProtobufWriter()
                .whole(OnnxFields.TENSOR_DIMENSION, Long.MAX_VALUE)
                .whole(OnnxFields.TENSOR_DIMENSION, 4)
                .whole(OnnxFields.TENSOR_TYPE, 1)
                .text(OnnxFields.TENSOR_NAME, "huge")
                .whole(OnnxFields.TENSOR_LOCATION, 1)
                .toByteArray();
        byte[] model = new ProtobufWriter()
                .message(OnnxFields.MODEL_GRAPH, new ProtobufWriter().bytes(OnnxFields.GRAPH_INITIALIZER, tensor))
                .toByteArray();
        assertThatThrownBy(() -> open(model)).hasMessageContaining("'huge' has shape [9223372036854775807, 4]");
    }

    @Test
    void aGraphThatContradictsItselfIsRefused() {
        ProtobufWriter one = new ProtobufWriter().bytes(OnnxFields.GRAPH_INITIALIZER, tensor("a", "w", "0", "16"));
        assertThatThrownBy(() -> parse(one, one)).hasMessageContaining("holds two graphs, expected one");
        refused("tensor 'a' is there twice", tensor("a", "w", "0", "16"), tensor("a", "w", "0", "16"));
        refused(
                "'b' lies in 'v' and others in 'w', expected one file",
                tensor("a", "w", "0", "16"),
                tensor("b", "v", "0", "16"));
        refused("'a' has 12 bytes, expected 16 for FLOAT [4]", tensor("a", "w", "0", "12"));
        for (String offset : new String[] {"", "-1", "1e3", "9999999999999999999"}) {
            refused("'a' has offset '" + offset + "', expected a number of bytes", tensor("a", "w", offset, "16"));
        }
        ProtobufWriter node = new ProtobufWriter()
                .text(OnnxFields.NODE_OPERATOR, OnnxGraph.MULTIPLIES)
                .text(OnnxFields.NODE_INPUT, "x")
                .text(OnnxFields.NODE_INPUT, "codes");
        assertThatThrownBy(() -> parse(new ProtobufWriter().message(OnnxFields.GRAPH_NODE, node)))
                .hasMessageContaining("a node MatMulNBits has 2 inputs, expected at least 3");
        node.text(OnnxFields.NODE_INPUT, "scales");
        ProtobufWriter twice =
                new ProtobufWriter().message(OnnxFields.GRAPH_NODE, node).message(OnnxFields.GRAPH_NODE, node);
        assertThatThrownBy(() -> parse(twice)).hasMessageContaining("two nodes MatMulNBits take 'codes'");
    }

    private static void refused(String message, byte[]... initializers) {
        ProtobufWriter written = new ProtobufWriter();
        for (byte[] initializer : initializers) {
            written.bytes(OnnxFields.GRAPH_INITIALIZER, initializer);
        }
        assertThatThrownBy(() -> parse(written)).hasMessageContaining(message);
    }

    private static void parse(ProtobufWriter... graphs) throws MalformedFileException {
        ProtobufWriter model = new ProtobufWriter();
        for (ProtobufWriter written : graphs) {
            model.message(OnnxFields.MODEL_GRAPH, written);
        }
        OnnxGraph.parse("hostile.onnx", model.toByteArray());
    }

    /** Four numbers in a file beside the graph. */
    private static byte[] tensor(String name, String location, String offset, String length) {
        ProtobufWriter tensor = new ProtobufWriter()
                .whole(OnnxFields.TENSOR_DIMENSION, 4)
                .whole(OnnxFields.TENSOR_TYPE, ElementType.FLOAT.id())
                .text(OnnxFields.TENSOR_NAME, name)
                .whole(OnnxFields.TENSOR_LOCATION, OnnxFields.LOCATION_EXTERNAL);
        Map.of("location", location, "offset", offset, "length", length)
                .forEach((key, value) -> tensor.message(
                        OnnxFields.TENSOR_EXTERNAL,
                        new ProtobufWriter().text(OnnxFields.ENTRY_KEY, key).text(OnnxFields.ENTRY_VALUE, value)));
        return tensor.toByteArray();
    }

    @Test
    void numbersAndLengthsThatDoNotEndAreRefused() {
        byte[] endless = new byte[32];
        Arrays.fill(endless, (byte) 0xff);
        assertThatThrownBy(() -> open(endless)).hasMessageContaining("a number has more than 10 bytes");
        assertThatThrownBy(() -> open(new byte[] {0x3a, (byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff, 0x7f}))
                .hasMessageContaining("field 7 has 34359738367 bytes, but its message ends after 0");
        assertThatThrownBy(() -> open(new byte[] {0x3b})).hasMessageContaining("has wire type 3");
        assertThatThrownBy(() -> open(new byte[0])).hasMessageContaining("holds no graph");
    }

    private static void open(byte[] bytes) throws IOException {
        open(bytes, data);
    }

    /** Opens a model and reads all of it. */
    private static void open(byte[] bytes, MemorySegment beside) throws IOException {
        open(bytes, beside, config);
    }

    private static void open(byte[] bytes, MemorySegment beside, ModelConfig config) throws IOException {
        OnnxGraph parsed = OnnxGraph.parse("hostile.onnx", bytes);
        try (OnnxWeights weights = OnnxWeights.of(config, OnnxFile.of("hostile.onnx", parsed, beside, () -> {}))) {
            for (TensorSpec spec : weights.tensors()) {
                float[] floats = new float[Math.toIntExact(spec.shape().elements())];
                weights.read(spec.name(), 0, spec.shape().rows(), MemorySegment.ofArray(floats));
            }
        }
    }

    /** The graph with every occurrence of a text replaced by another of the same length. */
    private static byte[] replaced(String text, String by) {
        assertThat(by).hasSameSizeAs(text);
        String all = new String(graph, StandardCharsets.ISO_8859_1);
        assertThat(all).contains(text);
        return all.replace(text, by).getBytes(StandardCharsets.ISO_8859_1);
    }
}
