package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.format.safetensors.SafetensorsWriter;
import io.millrace.tensors.inspection.Dequantization;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspector;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders of the library in the shape that llm-compressor saves them: all fields spelled out, a recipe beside them. */
class ForeignFolderTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "w4a16, minmax",
        "w4a16_asym, minmax",
        "w8a8, mse",
        "fp8_dynamic, minmax",
        "nvfp4a16, minmax",
        "grouped, mse"
    })
    void dequantizeReadsWhatLlmCompressorSaves(String name, String observer) throws Exception {
        Path golden = Path.of(Objects.requireNonNull(ForeignFolderTest.class.getResource(name))
                .toURI());
        Path saved = Files.createDirectory(folder.resolve("saved"));
        Files.copy(golden.resolve("model.safetensors"), saved.resolve("model.safetensors"));
        ObjectNode config = StrictJson.readFile(golden.resolve("config.json"), 1 << 20);
        spellOut((ObjectNode) config.path(QuantizationConfig.KEY), observer);
        config.put("transformers_version", "4.57.1");
        Files.writeString(saved.resolve("config.json"), StrictJson.print(config));
        Files.writeString(
                saved.resolve("recipe.yaml"), "default_stage:\n  default_modifiers:\n    QuantizationModifier: {}\n");

        Inspection inspection = Inspector.inspect(saved);
        Dequantization.write(saved, folder.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        assertThat(inspection.notReadable()).isEmpty();
        assertThat(folder.resolve("dense/recipe.yaml")).doesNotExist();
        assertThat(folder.resolve("dense/config.json")).content().doesNotContain("quantization_config");
        assertSameWeights(golden);
    }

    /** The library that made the folder sorts the patterns, whatever the order of the groups. */
    @Test
    void ofSeveralPatternsThatMatchTheFirstByTheAlphabetCounts() throws Exception {
        Path golden = Path.of(Objects.requireNonNull(ForeignFolderTest.class.getResource("w4a16"))
                .toURI());
        Path saved = Files.createDirectory(folder.resolve("saved"));
        Files.copy(golden.resolve("model.safetensors"), saved.resolve("model.safetensors"));
        ObjectNode config = StrictJson.readFile(golden.resolve("config.json"), 1 << 20);
        ObjectNode groups = (ObjectNode) config.path(QuantizationConfig.KEY).path("config_groups");
        ObjectNode right = (ObjectNode) groups.remove("group_0");
        right.putArray("targets").add("re:.*_proj$");
        ObjectNode wrong = right.deepCopy();
        wrong.putArray("targets").add("re:.*proj$");
        ((ObjectNode) wrong.path("weights")).put("num_bits", 8);
        groups.set("group_0", wrong);
        groups.set("group_1", right);
        Files.writeString(saved.resolve("config.json"), StrictJson.print(config));

        Dequantization.write(saved, folder.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        assertSameWeights(golden);
    }

    @Test
    void weightsAreReadHoweverInputsAndCachedKeysAreRounded() throws Exception {
        Path golden = Path.of(Objects.requireNonNull(ForeignFolderTest.class.getResource("fp8_dynamic"))
                .toURI());
        Path saved = folder.resolve("saved");
        addScales(golden, saved, "model.layers.0.self_attn.k_scale", "model.layers.0.mlp.down_proj.input_scale");
        ObjectNode config = StrictJson.readFile(golden.resolve("config.json"), 1 << 20);
        ObjectNode quantization = (ObjectNode) config.path(QuantizationConfig.KEY);
        quantization.putObject("kv_cache_scheme").put("num_bits", 8).put("type", "float");
        quantization.putObject("sparsity_config").put("format", "dense").put("global_sparsity", 0.13);
        for (JsonNode group : quantization.path("config_groups")) {
            ((ObjectNode) group.path("input_activations"))
                    .put("strategy", "tensor")
                    .put("dynamic", false);
        }
        Files.writeString(saved.resolve("config.json"), StrictJson.print(config));

        Dequantization.write(saved, folder.resolve("dense"), Optional.of(DType.F32), Progress.NONE);

        assertThat(Inspector.inspect(saved).notReadable()).isEmpty();
        assertSameWeights(golden);
        assertThatThrownBy(() -> CompressedTensorsReader.open(saved)).hasMessageContaining("'kv_cache_scheme' is");
    }

    private static void addScales(Path from, Path to, String... names) throws IOException {
        try (SafetensorsFolder weights = SafetensorsFolder.open(from)) {
            List<TensorSpec> all = new ArrayList<>(weights.tensors());
            for (String name : names) {
                all.add(TensorSpec.plain(name, DType.F32, Shape.of(1)));
            }
            try (SafetensorsWriter writer = SafetensorsWriter.open(to, all, Map.of(), Long.MAX_VALUE)) {
                for (TensorSpec tensor : weights.tensors()) {
                    writer.append(
                            tensor.name(),
                            weights.rows(tensor.name(), 0, tensor.shape().rows()));
                }
                for (String name : names) {
                    writer.append(name, MemorySegment.ofArray(new byte[Float.BYTES]));
                }
                writer.finish();
            }
        }
    }

    /** The dense folder has the values of the golden one. */
    private void assertSameWeights(Path golden) throws IOException {
        try (Checkpoint dense = Checkpoint.open(folder.resolve("dense"));
                CompressedTensorsReader reader = CompressedTensorsReader.open(golden)) {
            for (TensorSpec tensor : reader.tensors()) {
                float[] expected = new float[Math.toIntExact(tensor.shape().elements())];
                float[] found = new float[expected.length];
                reader.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(expected));
                dense.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(found));
                assertThat(found).as(tensor.name()).isEqualTo(expected);
            }
        }
    }

    /** Every field that its writer has, whether or not it says anything. */
    private static void spellOut(ObjectNode config, String observer) {
        config.put("version", "0.12.2");
        config.put("quantization_status", "compressed");
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        config.putNull("kv_cache_scheme");
        config.putNull("global_compression_ratio");
        String format = config.path("format").asText();
        for (Map.Entry<String, JsonNode> group : config.path("config_groups").properties()) {
            ObjectNode json = (ObjectNode) group.getValue();
            if (!json.has("format")) {
                json.put("format", format);
            }
            spellOutArgs((ObjectNode) json.path("weights"), observer);
            if (json.hasNonNull("input_activations")) {
                spellOutArgs((ObjectNode) json.path("input_activations"), null);
            }
        }
    }

    private static void spellOutArgs(ObjectNode args, @Nullable String observer) {
        for (String key : new String[] {"actorder", "block_structure", "group_size", "scale_dtype", "zp_dtype"}) {
            if (!args.has(key)) {
                args.putNull(key);
            }
        }
        if (args.path("strategy").asText().equals("group")) {
            // As GPTQ orders columns unless told otherwise: the codes lie in the columns' own order still.
            args.put("actorder", "static");
        }
        args.put("observer", observer);
        args.putObject("observer_kwargs");
    }
}
