package io.millrace.tensors.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.inspection.Dequantization;
import io.millrace.tensors.inspection.Inspector;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Graphs of onnxruntime-genai's model builder and of ONNX Runtime's quantizer, and the numbers that the latter reads in them. */
class ForeignOnnxTest {
    private static final ValueLayout.OfFloat LITTLE =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    @TempDir
    Path parent;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "packed",
                "zero_points",
                "eight",
                "mixed",
                "half",
                "requantized",
                "ragged",
                "gathered",
                "gathered_zero_points"
            })
    void everyTensorHasTheNumbersThatOnnxRuntimeReads(String name) throws Exception {
        Path graph = golden(name);
        ObjectNode expected = StrictJson.readFile(graph.resolve("digests.json"), 1 << 20);
        Path dense = parent.resolve("dense");

        Dequantization.write(graph, dense, Optional.of(DType.F32), Progress.NONE);

        Map<String, String> digests = new TreeMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(dense)) {
            for (TensorSpec tensor : checkpoint.tensors()) {
                digests.put(tensor.name(), digest(checkpoint, tensor));
            }
        }
        Map<String, String> wanted = new TreeMap<>();
        expected.properties()
                .forEach(entry -> wanted.put(entry.getKey(), entry.getValue().asText()));
        // A tied checkpoint has no head of its own.
        wanted.remove("lm_head.weight", wanted.get("model.embed_tokens.weight"));
        assertThat(digests).isEqualTo(wanted);
        assertThat(Inspector.inspect(graph).notReadable()).isEmpty();
    }

    /** Without the sign of zeros, which the product with an identity loses. */
    private static String digest(Checkpoint checkpoint, TensorSpec tensor) throws Exception {
        float[] floats = new float[Math.toIntExact(tensor.shape().elements())];
        checkpoint.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(floats));
        MemorySegment bytes = MemorySegment.ofArray(new byte[floats.length * Float.BYTES]);
        for (int i = 0; i < floats.length; i++) {
            bytes.setAtIndex(LITTLE, i, floats[i] + 0f);
        }
        return HexFormat.of()
                .formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.toArray(ValueLayout.JAVA_BYTE)));
    }

    @Test
    void aHeadOfItsOwnUntiesTheEmbeddingAndASharedOneDoesNot() throws Exception {
        try (OnnxWeights own = OnnxWeights.open(golden("eight"));
                OnnxWeights shared = OnnxWeights.open(golden("zero_points"))) {
            assertThat(own.config().tiedHead()).isFalse();
            assertThat(shared.config().tiedHead()).isTrue();
        }
    }

    @Test
    void inputsAreRoundedInTheBlocksOfTheNode() throws Exception {
        String name = "model.layers.0.self_attn.k_proj.weight";
        try (OnnxWeights rounded = OnnxWeights.open(golden("requantized"));
                OnnxWeights dense = OnnxWeights.open(golden("half"))) {
            assertThat(rounded.inputRounding(name)).contains(new DynamicRounding(Code.INT8, 16, 127));
            assertThat(dense.inputRounding(name)).isEmpty();
        }
    }

    @Test
    void whatIsNotUnderstoodNamesTheNodeAndTheRemedy() throws Exception {
        assertThatThrownBy(() -> opened("packed", "block_size", "block_sizf"))
                .hasMessageContaining("node '/model/layers.0/attn/qkv_proj/MatMul_Q4' (MatMulNBits) has blocks of 0");
        assertThatThrownBy(() -> opened("packed", "/o_proj/MatMul", "/x_proj/MatMul"))
                .hasMessageContaining("a node for module 'model.layers.0.self_attn.o_proj' is missing")
                .hasMessageContaining("build the model again");
        assertThatThrownBy(() -> opened("packed", "sin_cache", "sin_cachf"))
                .hasMessageContaining("constant 'sin_cachf' is no tensor of Qwen2ForCausalLM");
    }

    /** {@code onnx.save_model} leaves constants of less than 1 KiB inside, unless told otherwise. */
    @Test
    void aConstantInsideTheGraphIsNotCalledMissing() throws Exception {
        String remedy = "lies inside the graph: save the model with all constants in one file beside it";
        // Of a tensor, its length in the file of weights and its location, of which 0 is the graph.
        assertThatThrownBy(() -> opened("packed", "256p\u0001", "256p\u0000"))
                .hasMessageContaining("constant 'model.layers.0.input_layernorm.weight' " + remedy);
        String bias = "12544j\r\n\u0006length\u0012\u0003512p";
        assertThatThrownBy(() -> opened("packed", bias + "\u0001", bias + "\u0000"))
                .hasMessageContaining("constant 'model.layers.0.attn.qkv_proj.Add.bias' " + remedy);
    }

    @Test
    void aConfigOfAnotherModelIsNoticed() throws Exception {
        Path copy = copy("packed");
        ObjectNode config = StrictJson.readFile(copy.resolve(ModelFolder.CONFIG), 1 << 20);
        config.remove("rope_parameters");
        Files.writeString(copy.resolve(ModelFolder.CONFIG), StrictJson.print(config.put("rope_theta", 500.0)));
        assertThatThrownBy(() -> OnnxWeights.open(copy))
                .hasMessageContaining("'cos_cache'[1, 1]")
                .hasMessageContaining("by config.json");

        Files.delete(copy.resolve(ModelFolder.CONFIG));
        assertThatThrownBy(() -> OnnxWeights.open(copy)).hasMessageContaining("copy the config.json of the checkpoint");
    }

    @Test
    void weightsOfAModelWithLongRopeAreReadAlthoughItsTablesAreNot() throws Exception {
        Path copy = copy("mixed");
        ObjectNode config = StrictJson.readFile(copy.resolve(ModelFolder.CONFIG), 1 << 20);
        ObjectNode scaling = config.putObject("rope_scaling").put("type", "longrope");
        for (String key : new String[] {"short_factor", "long_factor"}) {
            IntStream.range(0, 8).forEach(scaling.putArray(key)::add);
            ((ArrayNode) scaling.path(key)).set(0, 1);
        }
        Files.writeString(copy.resolve(ModelFolder.CONFIG), StrictJson.print(config));

        try (OnnxWeights weights = OnnxWeights.open(copy)) {
            assertThat(weights.tensors()).hasSize(9);
        }
    }

    private static Path golden(String name) throws Exception {
        return Path.of(
                Objects.requireNonNull(ForeignOnnxTest.class.getResource(name)).toURI());
    }

    private Path copy(String name) throws Exception {
        Path copy = Files.createTempDirectory(parent, name);
        for (String file : new String[] {ModelFolder.CONFIG, OnnxPlan.GRAPH, OnnxPlan.DATA}) {
            Files.copy(golden(name).resolve(file), copy.resolve(file));
        }
        return copy;
    }

    /** Opens a graph in which a text stands for another of the same length. */
    private void opened(String name, String text, String by) throws Exception {
        Path copy = copy(name);
        Path graph = copy.resolve(OnnxPlan.GRAPH);
        String all = Files.readString(graph, StandardCharsets.ISO_8859_1);
        assertThat(all).contains(text);
        Files.writeString(graph, all.replace(text, by), StandardCharsets.ISO_8859_1);
        OnnxWeights.open(copy).close();
    }
}
