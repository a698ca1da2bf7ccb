package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.compressed.CompressedTensorsReader;
import io.millrace.tensors.format.compressed.CompressedTensorsWriter;
import io.millrace.tensors.inspection.Dequantization;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspector;
import io.millrace.tensors.kernel.gguf.BlockDequantizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DequantizationTest {
    @TempDir
    Path parent;

    @Test
    void aFileInF32GivesBackEveryTensorByteForByteAndItsConfig() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        GgufModels.write(folder, GgufFileType.F32, parent.resolve("model.gguf"), 2);

        Dequantization.write(parent.resolve("model.gguf"), parent.resolve("dense"), Optional.empty(), Progress.NONE);

        try (Checkpoint before = Checkpoint.open(folder);
                Checkpoint after = Checkpoint.open(parent.resolve("dense"))) {
            assertThat(after.tensors()).isEqualTo(before.tensors());
            for (TensorRule rule : before.rules()) {
                long rows = rule.shape().rows();
                assertThat(after.reader()
                                .rows(rule.name(), 0, rows)
                                .mismatch(before.reader().rows(rule.name(), 0, rows)))
                        .as(rule.name())
                        .isEqualTo(-1);
            }
            assertThat(after.config().json().path("hidden_size").asInt()).isEqualTo(256);
            assertThat(parent.resolve("dense/generation_config.json")).exists();
        }
    }

    @Test
    void aFileInQ8GivesWhatItsBlocksSay() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.config("Qwen2ForCausalLM", "qwen2"));
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q8_0, file, 2);

        Dequantization.write(file, parent.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        try (Checkpoint dense = Checkpoint.open(parent.resolve("dense"));
                GgufReader reader = GgufReader.open(file)) {
            for (TensorRule rule : dense.rules()) {
                GgufTensor tensor = reader.header().tensors().stream()
                        .filter(candidate -> candidate.name().equals(rule.ggufName()))
                        .findFirst()
                        .orElseThrow();
                int count = (int) rule.shape().elements();
                float[] expected = new float[count];
                byte[] blocks =
                        reader.rows(tensor.name(), 0, rule.shape().rows()).toArray(ValueLayout.JAVA_BYTE);
                BlockDequantizer.dequantize(tensor.type(), blocks, 0, count, expected, 0);
                assertThat(floats(dense, rule)).as(rule.name()).isEqualTo(expected);
                assertThat(tensor.type()).isIn(GgufType.Q8_0, GgufType.F32);
            }
        }
    }

    /** The library reads its own file into F32; what we make of the same file must be those numbers. */
    @ParameterizedTest
    @EnumSource(names = {"Q4_K_M", "Q6_K", "Q3_K_S", "Q2_K", "Q5_0", "Q4_1", "Q8_0", "IQ4_XS", "F16", "BF16"})
    void aFileThatLlamaQuantizedHasTheNumbersThatLlamaReads(GgufFileType type) throws Exception {
        String library = System.getenv("MILLRACE_LLAMA_LIBRARY");
        String reason = "skipped: MILLRACE_LLAMA_LIBRARY names no newer llama.cpp";
        if (library == null || library.isEmpty()) {
            System.out.println(reason);
        }
        assumeTrue(library != null && !library.isEmpty(), reason);
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        GgufModels.write(folder, GgufFileType.F32, parent.resolve("source.gguf"), 1);
        Path quantized =
                ForeignGguf.quantize(library, parent.resolve("source.gguf"), type, parent.resolve("quantized.gguf"));
        Path widened = ForeignGguf.quantize(library, quantized, GgufFileType.F32, parent.resolve("widened.gguf"));

        Dequantization.write(quantized, parent.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        int lossy = 0;
        try (Checkpoint dense = Checkpoint.open(parent.resolve("dense"));
                Checkpoint before = Checkpoint.open(folder);
                GgufWeights expected = GgufWeights.open(widened)) {
            for (TensorRule rule : dense.rules()) {
                float[] numbers = new float[(int) rule.shape().elements()];
                expected.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(numbers));
                assertThat(floats(dense, rule)).as(rule.name()).isEqualTo(numbers);
                lossy += Arrays.equals(numbers, floats(before, rule)) ? 0 : 1;
            }
        }
        assertThat(lossy).isGreaterThan(10);
    }

    @Test
    void withoutOurOwnKeyTheConfigComesFromTheKeysOfTheFormat() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            GgufPlan plan = GgufCompressor.plan(checkpoint, GgufFileType.F16);
            Map<String, GgufValue> keys = new LinkedHashMap<>(plan.header().metadata());
            keys.remove(ModelKeys.CONFIG);
            keys.remove(GgufHeader.MADE_KEY);
            byte[] header = GgufHeaderEncoder.encode(
                    new GgufHeader(keys, plan.header().tensors(), plan.header().alignment()));
            plan.write(file, 1, Progress.NONE);
            byte[] whole = Files.readAllBytes(file);
            byte[] foreign = new byte[header.length + (int) plan.header().dataBytes()];
            System.arraycopy(header, 0, foreign, 0, header.length);
            System.arraycopy(whole, whole.length - (int) plan.header().dataBytes(), foreign, header.length, (int)
                    plan.header().dataBytes());
            Files.write(file, foreign);
        }

        Dequantization written = Dequantization.write(file, parent.resolve("dense"), Optional.empty(), Progress.NONE);

        assertThat(written.type()).isEqualTo(DType.F16);
        assertThat(written.tokenizer()).isEqualTo(Dequantization.Tokenizer.REBUILT);
        try (Checkpoint dense = Checkpoint.open(parent.resolve("dense"))) {
            ObjectNode json = dense.config().json();
            assertThat(json.path("architectures").path(0).asText()).isEqualTo("LlamaForCausalLM");
            assertThat(json.path("eos_token_id").asInt()).isEqualTo(1);
            assertThat(json.path("torch_dtype").asText()).isEqualTo("float16");
        }
    }

    @Test
    void aCompressedTensorsFolderGivesWhatItsReaderReads() throws Exception {
        Path folder = TinyModels.write(parent.resolve("model"), TinyModels.llama(), DType.BF16, 3);
        Path packed = parent.resolve("packed");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            CompressedTensorsWriter.plan(checkpoint, CompressedScheme.W4A16_ASYM)
                    .write(packed, 2, Progress.NONE);
        }

        Dequantization.write(packed, parent.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        assertThat(Files.readString(parent.resolve("dense/config.json"))).doesNotContain("quantization_config");
        try (Checkpoint dense = Checkpoint.open(parent.resolve("dense"));
                CompressedTensorsReader reader = CompressedTensorsReader.open(packed)) {
            for (TensorRule rule : dense.rules()) {
                float[] expected = new float[(int) rule.shape().elements()];
                reader.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(expected));
                assertThat(floats(dense, rule)).as(rule.name()).isEqualTo(expected);
            }
        }
    }

    @Test
    void aFileOfAnUnknownArchitectureIsShownButNotTurnedIntoAModel() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path file = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q4_0, file, 1);
        byte[] bytes = Files.readAllBytes(file);
        String header = new String(bytes, 0, 4096, StandardCharsets.ISO_8859_1);
        bytes[header.indexOf("general.architecture") + "general.architecture".length() + 12] = 'x';
        Files.write(file, bytes);

        Inspection inspection = Inspector.inspect(file);

        assertThat(inspection.architecture()).contains("xlama");
        assertThat(inspection.tensors()).hasSize(21);
        assertThat(inspection.notReadable().orElseThrow()).contains("'xlama'", "not supported");
        assertThatThrownBy(() -> Dequantization.write(file, parent.resolve("dense"), Optional.empty(), Progress.NONE))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("xlama");
        assertThat(parent.resolve("dense/model.safetensors")).doesNotExist();
    }

    private static float[] floats(Checkpoint checkpoint, TensorRule rule) throws IOException {
        float[] values = new float[(int) rule.shape().elements()];
        checkpoint.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(values));
        return values;
    }
}
