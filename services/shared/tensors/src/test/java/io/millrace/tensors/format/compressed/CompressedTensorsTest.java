package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class CompressedTensorsTest {
    @TempDir
    Path folder;

    @Test
    void shardsHoldWhatOneFileHoldsAndTheIndexSaysWhere() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.BF16, 7);
        Path single = CompressedFolders.compress(folder, source, CompressedScheme.W4A16_ASYM, 1);
        Path sharded = folder.resolve("sharded");
        long limit = 20_000;
        long tensorBytes;
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CompressedTensorsWriter plan =
                    CompressedTensorsWriter.plan(checkpoint, ModuleSchemes.of(CompressedScheme.W4A16_ASYM), limit);
            plan.write(sharded, 2, Progress.NONE);
            tensorBytes = plan.tensorBytes();
        }

        JsonNode index = StrictJson.readFile(sharded.resolve("model.safetensors.index.json"), 1 << 20);
        assertThat(index.path("metadata").path("total_size").asLong()).isEqualTo(tensorBytes);
        try (SafetensorsFolder shards = SafetensorsFolder.open(sharded);
                SafetensorsFolder whole = SafetensorsFolder.open(single)) {
            assertThat(shards.tensors()).containsExactlyInAnyOrderElementsOf(whole.tensors());
            assertThat(index.path("weight_map")).hasSize(whole.tensors().size());
            assertThat(shards.metadata()).isEqualTo(whole.metadata());
            for (TensorSpec tensor : whole.tensors()) {
                long rows = tensor.shape().rows();
                assertThat(shards.rows(tensor.name(), 0, rows).mismatch(whole.rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
                assertThat(index.path("weight_map").path(tensor.name()).asText())
                        .isEqualTo(shards.fileOf(tensor.name()).getFileName().toString());
            }
        }
        List<Path> files;
        try (var listed = Files.list(sharded)) {
            files = listed.filter(file -> file.toString().endsWith(".safetensors"))
                    .sorted()
                    .toList();
        }
        assertThat(files).hasSizeGreaterThan(5);
        for (int i = 0; i < files.size(); i++) {
            assertThat(files.get(i)).hasFileName("model-%05d-of-%05d.safetensors".formatted(i + 1, files.size()));
            try (SafetensorsReader shard = SafetensorsReader.open(files.get(i))) {
                long bytes =
                        shard.tensors().stream().mapToLong(TensorSpec::byteSize).sum();
                assertThat(bytes <= limit || shard.tensors().size() == 1)
                        .as("%s has %d bytes", files.get(i), bytes)
                        .isTrue();
            }
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"W4A16", "W8A16"})
    void codesLieInWordsAsTheReferenceToolPacksThem(CompressedScheme scheme) throws Exception {
        JsonNode golden = golden(scheme == CompressedScheme.W4A16 ? "int4_row" : "int8_row");
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 1);
        // The largest magnitude makes the scale exactly 1, so that every weight is its own code; -7.5 and -127.5 are
        // rounded to the even -8 and -128.
        float largest = scheme == CompressedScheme.W4A16 ? 7.5f : 127.5f;
        List<Float> codes = new ArrayList<>();
        golden.path("q").forEach(code -> codes.add(Math.max(code.floatValue(), -largest)));
        patchFirstRow(source, codes, largest);

        Path target = CompressedFolders.compress(folder, source, scheme, 1);

        try (SafetensorsReader reader = SafetensorsReader.open(target.resolve("model.safetensors"))) {
            MemorySegment row = reader.rows(CompressedFolders.QUERY + ".weight_packed", 0, 1);
            for (int word = 0; word < golden.path("int32_hex").size(); word++) {
                String expected = golden.path("int32_hex").get(word).asText();
                assertThat(row.get(ValueLayout.JAVA_INT_UNALIGNED, 4L * word))
                        .isEqualTo(Integer.parseUnsignedInt(expected.substring(2), 16));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "W4A16, F32, BF16",
        "W4A16, F16, F16",
        "W8A16, BF16, BF16",
        "W8A16, F32, BF16",
        "W4A16_ASYM, F32, BF16",
        "W4A16_ASYM, F16, F16",
        "FP8_DYNAMIC, F32, BF16",
        "FP8_DYNAMIC, F16, F16",
        "W8A8, BF16, BF16",
        "W8A8, F16, F16",
        "W4A16_CHANNEL, F32, BF16",
        "W4A16_ASYM_CHANNEL, BF16, BF16",
        "W8A16_CHANNEL, F16, F16",
        "FP8_BLOCK, F32, BF16",
        "FP8_BLOCK, F16, F16",
        "MXFP4, F32, BF16",
        "MXFP4, F16, BF16",
        "MXFP4A16, F16, BF16",
        "NVFP4A16, F32, BF16",
        "NVFP4A16, F16, BF16",
        "NVFP4A16, BF16, BF16"
    })
    void reportedLossIsWhatAnIndependentReaderFinds(CompressedScheme scheme, DType stored, DType model)
            throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), stored, 2);
        Path target = folder.resolve("target");
        List<TensorReport> reports;
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            reports = CompressedTensorsWriter.plan(checkpoint, scheme).write(target, 2, Progress.NONE);
        }

        ObjectNode config = StrictJson.readFile(target.resolve("config.json"), 100_000);
        assertThat(config.path("torch_dtype").asText()).isEqualTo(DenseWriter.torchName(model));
        try (Checkpoint before = Checkpoint.open(source);
                CompressedTensorsReader after = CompressedTensorsReader.open(target)) {
            assertThat(reports).extracting(TensorReport::name).containsExactlyElementsOf(names(before));
            for (TensorReport report : reports) {
                float[] original = CompressedFolders.floats(before, report.name(), report.shape());
                float[] read = CompressedFolders.floats(after, report.name(), report.shape());
                double errorSquares = 0;
                double squares = 0;
                double most = 0;
                long zeros = 0;
                for (int i = 0; i < original.length; i++) {
                    double error = (double) original[i] - read[i];
                    errorSquares += error * error;
                    squares += (double) original[i] * original[i];
                    most = Math.max(most, Math.abs(error));
                    zeros += read[i] == 0 ? 1 : 0;
                }
                double relative = Math.sqrt(errorSquares / squares);
                assertThat(report.relativeError()).isCloseTo(relative, Offset.offset(1e-6));
                assertThat(report.maxError()).isCloseTo(most, Offset.offset(1e-7));
                assertThat(report.zerosAfter()).isEqualTo(zeros);
                boolean linear = report.name().contains("_proj");
                assertThat(report.type()).isEqualTo(linear ? scheme.name() : model.name());
                if (linear) {
                    assertThat(relative)
                            .isLessThan(
                                    scheme.bits() == 4 ? 0.16 : scheme.code().floating() ? 0.04 : 0.015);
                }
            }
        }
    }

    /** transformers loads them, so that they are written. */
    @ParameterizedTest
    @CsvSource({
        "FP8_BLOCK, LlamaForCausalLM, 'self_attn.q_proj: 96, self_attn.k_proj: 32, mlp.gate_proj: 160'",
        "FP8_DYNAMIC, LlamaForCausalLM, ''",
        "FP8_BLOCK, Phi3ForCausalLM, 'self_attn.qkv_proj: 96, mlp.gate_up_proj: 160'"
    })
    void theReportSaysWhichBlocksVllmDoesNotStack(CompressedScheme scheme, String architecture, String expected)
            throws Exception {
        ObjectNode config = TinyModels.config(architecture, architecture.startsWith("P") ? "phi3" : "llama");
        config.put("num_hidden_layers", 1).put("hidden_size", 128).put("intermediate_size", 160);
        config.put("num_attention_heads", 3).put("num_key_value_heads", 1).put("head_dim", 32);
        Path source = TinyModels.write(folder.resolve("source"), config, DType.BF16, 4);
        List<TensorReport> reports;
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            reports = CompressedTensorsWriter.plan(
                            checkpoint,
                            new ModuleSchemes(scheme, List.of(), List.of(Pattern.compile("o_proj|down_proj"))),
                            DenseWriter.SHARD_BYTES)
                    .write(folder.resolve("target"), 1, Progress.NONE);
        }

        assertThat(reports.stream()
                        .filter(report -> !report.note().isEmpty())
                        .map(report -> report.name().replaceAll("^model.layers.0.|.weight$", "") + ": "
                                + report.note().replaceAll("^vLLM does not load it: found (\\d+) rows.*", "$1"))
                        .collect(Collectors.joining(", ")))
                .isEqualTo(expected);
        assertThat(reports).noneMatch(TensorReport::fallBack);
    }

    @Test
    void folderHasWhatConsumersRead() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 3);
        Files.writeString(source.resolve("tokenizer.json"), "{}");
        Files.writeString(source.resolve("notes.txt"), "stays");

        Path target = CompressedFolders.compress(folder, source, CompressedScheme.W4A16, 1);

        ObjectNode config = StrictJson.readFile(target.resolve("config.json"), 100_000);
        JsonNode quantization = config.path("quantization_config");
        assertThat(config.path("torch_dtype").asText()).isEqualTo("bfloat16");
        assertThat(quantization.path("quant_method").asText()).isEqualTo("compressed-tensors");
        assertThat(quantization.path("format").asText()).isEqualTo("pack-quantized");
        assertThat(quantization.path("ignore").toString()).isEqualTo("[\"lm_head\"]");
        assertThat(quantization
                        .path("config_groups")
                        .path("group_0")
                        .path("weights")
                        .toString())
                .isEqualTo("{\"num_bits\":4,\"type\":\"int\",\"symmetric\":true,\"group_size\":128,"
                        + "\"strategy\":\"group\",\"dynamic\":false}");
        assertThat(target.resolve("tokenizer.json")).exists();
        assertThat(target.resolve("notes.txt")).doesNotExist();
        try (SafetensorsReader reader = SafetensorsReader.open(target.resolve("model.safetensors"))) {
            Map<String, TensorSpec> specs =
                    reader.tensors().stream().collect(Collectors.toMap(TensorSpec::name, Function.identity()));
            assertThat(specs).hasSize(2 * (7 * 3 + 2) + 3).doesNotContainKey(CompressedFolders.QUERY + ".weight");
            assertThat(specs.get("model.layers.1.mlp.down_proj.weight_packed"))
                    .isEqualTo(TensorSpec.plain(
                            "model.layers.1.mlp.down_proj.weight_packed", DType.I32, Shape.of(128, 32)));
            assertThat(specs.get("model.layers.1.mlp.down_proj.weight_scale"))
                    .isEqualTo(TensorSpec.plain(
                            "model.layers.1.mlp.down_proj.weight_scale", DType.BF16, Shape.of(128, 2)));
            assertThat(specs.get("lm_head.weight"))
                    .isEqualTo(TensorSpec.plain("lm_head.weight", DType.BF16, Shape.of(96, 128)));
            assertThat(reader.metadata())
                    .containsEntry("millrace.made", "quantize")
                    .containsEntry("format", "pt");
        }
        assertThatThrownBy(() -> Checkpoint.open(target)).hasMessageContaining("already quantized");
    }

    @ParameterizedTest
    @EnumSource(names = {"W4A16", "W4A16_ASYM", "W4A16_ASYM_CHANNEL", "FP8_BLOCK", "NVFP4A16"})
    @Tag("promise-4")
    @DisplayName("Promise 4: the bytes of compressed tensors do not depend on the number of threads")
    void bytesDoNotDependOnTheNumberOfThreads(CompressedScheme scheme) throws Exception {
        ObjectNode config = TinyModels.llama();
        config.put("vocab_size", 5000).put("intermediate_size", 4224);
        Path source = TinyModels.write(folder.resolve("source"), config, DType.BF16, 4);

        byte[] one = Files.readAllBytes(
                CompressedFolders.compress(folder, source, scheme, 1).resolve("model.safetensors"));
        byte[] five = Files.readAllBytes(
                CompressedFolders.compress(folder, source, scheme, 5).resolve("model.safetensors"));

        assertThat(five).isEqualTo(one);
    }

    /** A scheme that would refuse the module, too, is no remedy. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            W4A16       | 176 | 128 for W4A16; choose FP8_DYNAMIC or W8A8, which take multiples of 16, or a GGUF type
            W4A16       | 172 | 128 for W4A16; choose a GGUF type
            MXFP4       | 168 | 32 for MXFP4; choose a GGUF type
            FP8_DYNAMIC | 172 | 16 for FP8_DYNAMIC; choose a GGUF type
            """)
    void moduleWhoseRowsAreNoWholeGroupsIsRefusedByName(CompressedScheme scheme, int width, String remedy)
            throws Exception {
        ObjectNode config = TinyModels.llama();
        config.put("intermediate_size", width);
        Path source = TinyModels.write(folder.resolve("source"), config, DType.F32, 5);

        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            assertThatThrownBy(() -> CompressedTensorsWriter.plan(checkpoint, scheme))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("module 'model.layers.0.mlp.down_proj' has " + width
                            + " inputs, expected a multiple of " + remedy + ", which takes rows of any length");
        }
    }

    @Test
    void nanInTheSourceIsRefusedByPlaceAndLeavesNoWeights() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 6);
        patchFirstRow(source, List.of(1f, 2f, Float.NaN), 1f);

        assertThatThrownBy(() -> CompressedFolders.compress(folder, source, CompressedScheme.W4A16, 2))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor '" + CompressedFolders.QUERY + ".weight' holds NaN in row 0, column 2");
        assertThat(folder.resolve("W4A16-2/model.safetensors")).doesNotExist();
    }

    @Test
    void rowsOfBytesNeedNoWholeGroups() throws Exception {
        ObjectNode config = TinyModels.llama();
        config.put("intermediate_size", 176);
        Path source = TinyModels.write(folder.resolve("source"), config, DType.F32, 5);

        try (CompressedTensorsReader reader =
                CompressedTensorsReader.open(CompressedFolders.compress(folder, source, CompressedScheme.W8A8, 1))) {
            assertThat(reader.tensors())
                    .contains(TensorSpec.plain("model.layers.0.mlp.down_proj.weight", DType.I8, Shape.of(128, 176)));
        }
    }

    /** Overwrites the first elements of the first query row, and its last with the largest magnitude. */
    private static void patchFirstRow(Path source, List<Float> first, float last) throws IOException {
        ByteBuffer row = ByteBuffer.allocate(128 * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < first.size(); i++) {
            row.putFloat(i * Float.BYTES, first.get(i));
        }
        row.putFloat(127 * Float.BYTES, last);
        CompressedFolders.patch(source, CompressedFolders.QUERY + ".weight", 0, row.array());
    }

    private static List<String> names(Checkpoint checkpoint) {
        return checkpoint.tensors().stream().map(TensorSpec::name).toList();
    }

    private static JsonNode golden(String name) throws IOException {
        try (InputStream in = CompressedTensorsTest.class.getResourceAsStream("golden.json")) {
            return StrictJson.parse(ByteBuffer.wrap(in.readAllBytes()), "golden.json", 0)
                    .path(name);
        }
    }
}
