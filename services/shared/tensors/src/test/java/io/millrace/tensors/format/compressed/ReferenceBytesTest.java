package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our folders beside those that the library compressed-tensors 0.20.0 wrote of the same F32 checkpoint. */
class ReferenceBytesTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @EnumSource(CompressedScheme.class)
    void everyTensorHasTheBytesOfTheReferenceTool(CompressedScheme scheme) throws Exception {
        assertSameTensors(compress(scheme), golden(scheme));
    }

    private static void assertSameTensors(Path ours, Path golden) throws Exception {
        try (SafetensorsReader written = SafetensorsReader.open(ours.resolve("model.safetensors"));
                SafetensorsReader expected = SafetensorsReader.open(golden.resolve("model.safetensors"))) {
            assertThat(written.tensors()).containsExactlyInAnyOrderElementsOf(expected.tensors());
            for (TensorSpec tensor : expected.tensors()) {
                assertThat(bytes(written, tensor)).as(tensor.name()).isEqualTo(bytes(expected, tensor));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(CompressedScheme.class)
    void configSaysWhatTheReferenceToolSays(CompressedScheme scheme) throws Exception {
        ObjectNode expected = quantizationConfig(golden(scheme));
        // What came with later versions, and which earlier consumers refuse as unknown.
        expected.remove("moe_sparsity_config");
        ((ObjectNode) expected.path("config_groups").path("group_0")).remove("format");
        expected.remove("version");

        ObjectNode ours = quantizationConfig(compress(scheme));

        assertThat(ours.remove("version").asText()).matches("0\\.\\d+\\.\\d+");
        assertThat((JsonNode) ours).isEqualTo(expected);
    }

    @ParameterizedTest
    @EnumSource(CompressedScheme.class)
    void readerOpensWhatTheReferenceToolWrote(CompressedScheme scheme) throws Exception {
        Path ours = compress(scheme);

        try (CompressedTensorsReader written = CompressedTensorsReader.open(ours);
                CompressedTensorsReader foreign = CompressedTensorsReader.open(golden(scheme))) {
            assertThat(foreign.tensors()).isEqualTo(written.tensors());
            for (TensorSpec tensor : written.tensors()) {
                assertThat(floats(foreign, tensor)).as(tensor.name()).isEqualTo(floats(written, tensor));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"group32_f32", "channel_f32", "o_proj_dense", "mixed", "column_groups_f32"})
    void readerUnderstandsOtherGroupsScalesAndDenseModules(String name) throws Exception {
        ObjectNode digests = StrictJson.readFile(golden(name).resolve("weights.json"), 100_000);

        try (CompressedTensorsReader reader = CompressedTensorsReader.open(golden(name))) {
            assertThat(reader.tensors()).hasSize(digests.size());
            for (TensorSpec tensor : reader.tensors()) {
                assertThat(digest(floats(reader, tensor)))
                        .as(tensor.name())
                        .isEqualTo(digests.path(tensor.name()).asText());
            }
        }
    }

    @Test
    void groupsOfSeveralSchemesAreThoseOfTheReferenceTool() throws Exception {
        ModuleSchemes wanted = new ModuleSchemes(
                CompressedScheme.W4A16,
                List.of(
                        new ModuleSchemes.ModuleScheme(Pattern.compile("[qkv]_proj"), CompressedScheme.W8A16),
                        new ModuleSchemes.ModuleScheme(Pattern.compile("down_proj"), CompressedScheme.FP8_DYNAMIC)),
                List.of(Pattern.compile("o_proj")));
        Path source = ReferenceWeights.write(folder.resolve("source"), 128, false, DType.F32);
        Path ours = folder.resolve("target");
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            CompressedTensorsWriter.plan(checkpoint, wanted, 1 << 30).write(ours, 1, Progress.NONE);
        }

        ObjectNode expected = quantizationConfig(golden("grouped"));
        expected.remove(List.of("moe_sparsity_config", "version"));
        ObjectNode found = quantizationConfig(ours);
        found.remove("version");
        assertThat((JsonNode) found).isEqualTo(expected);
        assertSameTensors(ours, golden("grouped"));
    }

    /** The library computes in the type of the checkpoint, we in F32; the script made both numbers with the library. */
    @ParameterizedTest
    @EnumSource(CompressedScheme.class)
    void errorOfABf16CheckpointIsNoLargerThanThatOfTheReferenceTool(CompressedScheme scheme) throws Exception {
        JsonNode expected = StrictJson.readFile(folder("bf16.json").resolve("bf16.json"), 100_000)
                .path(scheme.name().toLowerCase(Locale.ROOT));
        Path source = ReferenceWeights.write(folder.resolve("source"), 256, true, DType.BF16);
        Path target = folder.resolve("target");

        double squares = 0;
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            CompressedTensorsWriter.plan(checkpoint, scheme).write(target, 1, Progress.NONE);
            try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
                for (TensorSpec tensor : reader.tensors()) {
                    float[] before = floats(checkpoint, tensor);
                    float[] after = floats(reader, tensor);
                    for (int i = 0; i < before.length; i++) {
                        squares += ((double) before[i] - after[i]) * ((double) before[i] - after[i]);
                    }
                }
            }
        }

        assertThat(squares).isCloseTo(expected.path("squaredError").asDouble(), Percentage.withPercentage(1e-4));
        assertThat(expected.path("squaredError").asDouble())
                .isLessThanOrEqualTo(expected.path("librarySquaredError").asDouble());
    }

    @Test
    void modulesOfOneFolderMayHaveDifferentFormats() throws Exception {
        String layer = "model.layers.0.";

        try (CompressedTensorsReader reader = CompressedTensorsReader.open(golden("mixed"))) {
            assertThat(reader.inputRounding(layer + "self_attn.k_proj.weight")).isEmpty();
            assertThat(reader.inputRounding(layer + "self_attn.o_proj.weight")).isEmpty();
            assertThat(reader.inputRounding("lm_head.weight")).isEmpty();
            // Named by one group, while an earlier one has all linear modules.
            assertThat(reader.inputRounding(layer + "mlp.down_proj.weight"))
                    .contains(new DynamicRounding(Code.E4M3, 0));
            assertThat(reader.inputRounding(layer + "mlp.up_proj.weight")).contains(new DynamicRounding(Code.E4M3, 16));
        }
    }

    @ParameterizedTest
    @CsvSource({"lm_head, re:lm_.*", "lm_head, re:.*head$", "re:.*self_attn.(q|k|v)_proj$, 're:.*[qkv]_proj'"})
    void patternsChooseModulesToo(String text, String other) throws Exception {
        Path copy = Files.createDirectories(folder.resolve("copy"));
        Files.copy(golden("mixed").resolve("model.safetensors"), copy.resolve("model.safetensors"));
        String config = Files.readString(golden("mixed").resolve("config.json"));
        assertThat(config).contains(text);
        Files.writeString(copy.resolve("config.json"), config.replace(text, other));

        try (CompressedTensorsReader reader = CompressedTensorsReader.open(copy);
                CompressedTensorsReader before = CompressedTensorsReader.open(golden("mixed"))) {
            assertThat(reader.tensors()).isEqualTo(before.tensors());
        }
    }

    @ParameterizedTest
    @CsvSource({"int8_token, INT8, 0", "e4m3_token, E4M3, 0", "e4m3_group128, E4M3, 128", "e2m1_group32, E2M1, 32"})
    void inputsAreRoundedAsTheReferenceToolRoundsThem(String name, Code code, int groupSize) throws Exception {
        float[] inputs = ReferenceWeights.weights(0, Shape.of(32, 256), false);

        new DynamicRounding(code, groupSize).round(MemorySegment.ofArray(inputs), 32, 256);

        for (int i = 0; i < inputs.length; i++) {
            inputs[i] += 0f;
        }
        assertThat(digest(inputs))
                .isEqualTo(StrictJson.readFile(folder("inputs.json").resolve("inputs.json"), 100_000)
                        .path(name)
                        .asText());
    }

    private static String digest(float[] floats) throws Exception {
        ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * floats.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(floats);
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
    }

    private Path compress(CompressedScheme scheme) throws Exception {
        Path source = ReferenceWeights.write(
                folder.resolve("source"),
                scheme.symmetric() ? 128 : 256,
                scheme == CompressedScheme.FP8_BLOCK || scheme == CompressedScheme.NVFP4A16,
                DType.F32);
        Path target = folder.resolve("target");
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            CompressedTensorsWriter.plan(checkpoint, scheme).write(target, 1, Progress.NONE);
        }
        return target;
    }

    private static ObjectNode quantizationConfig(Path model) throws Exception {
        ObjectNode config = StrictJson.readFile(model.resolve("config.json"), 100_000);
        return (ObjectNode) config.path(QuantizationConfig.KEY);
    }

    private static byte[] bytes(SafetensorsReader reader, TensorSpec tensor) {
        return reader.rows(tensor.name(), 0, tensor.shape().rows()).toArray(ValueLayout.JAVA_BYTE);
    }

    private static float[] floats(WeightSource reader, TensorSpec tensor) throws Exception {
        float[] floats = new float[Math.toIntExact(tensor.shape().elements())];
        reader.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(floats));
        return floats;
    }

    private static Path golden(CompressedScheme scheme) throws Exception {
        return golden(scheme.name().toLowerCase(Locale.ROOT));
    }

    private static Path golden(String name) throws Exception {
        return folder(name + "/config.json");
    }

    /** Where a file of the golden ones lies. */
    private static Path folder(String file) throws Exception {
        URI uri = Objects.requireNonNull(ReferenceBytesTest.class.getResource(file))
                .toURI();
        return Objects.requireNonNull(Path.of(uri).getParent());
    }
}
