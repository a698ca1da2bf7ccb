package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.compressed.QuantizationConfig.Group;
import io.millrace.tensors.json.StrictJson;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Folders that we wrote, and what their reader makes of damage to them. */
class CompressedReaderTest {
    @TempDir
    Path folder;

    @Test
    void readerTellsWhatConsumersRoundBesidesTheWeights() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 7);

        for (CompressedScheme scheme : CompressedScheme.values()) {
            try (CompressedTensorsReader reader =
                    CompressedTensorsReader.open(CompressedFolders.compress(folder, source, scheme, 1))) {
                assertThat(reader.inputRounding(CompressedFolders.QUERY + ".weight"))
                        .as("%s", scheme)
                        .isEqualTo(scheme.inputRounding());
                assertThat(reader.inputRounding("lm_head.weight")).isEmpty();
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"num_bits\": 4 | \"num_bits\": 8 | expected one of [I32] and [128, 32]",
                "\"num_bits\": 4 | \"num_bits\": 3 | 'num_bits' is 3",
                "\"num_bits\": 4 | \"num_bits\": 4294967300 | 'num_bits' is 4294967300",
                "\"group_size\": 128 | \"group_size\": 4294967424 | rows of 128, expected a multiple of 2147483647",
                "\"group_size\": 128 | \"group_size\": 64 | weight_scale' has Plain[type=BF16] and shape [128, 1]",
                "\"group_size\": 128 | \"group_size\": 96 | has rows of 128, expected a multiple of 96",
                "\"group_size\": 128 | \"group_size\": null | expected \"group\" with a size, or \"channel\"",
                "\"symmetric\": true | \"symmetric\": false | weight_zero_point' is missing",
                "\"dynamic\": false | \"dynamic\": true | and dynamic true, expected true or false, and false",
                "\"output_activations\": null | \"output_activations\": {\"num_bits\": 8} | has output_activations"
                        + " {\"num_bits\":8}, expected none",
                "\"symmetric\": true | \"actorder\": \"group\", \"symmetric\": true | weight_g_idx' is missing",
                "\"symmetric\": true | \"actorder\": \"dynamic\", \"symmetric\": true | weight_g_idx' is missing",
                "\"kv_cache_scheme\": null | \"kv_cache_scheme\": {\"num_bits\": 8} | 'kv_cache_scheme' is"
                        + " {\"num_bits\":8}",
                "\"transform_config\": {} | \"transform_config\": \"hadamard\" | 'transform_config' is \"hadamard\"",
                "\"input_activations\": null | \"input_activations\": {\"num_bits\": 8} | 'type' is  in group_0",
                "\"lm_head\" | \"re:.*(\" | 'ignore' has the pattern '.*(', which is wrong at 3",
                "\"lm_head\" | \"re:.*.*.*.*.*!\" | a pattern that takes more than 100000 steps on the name",
                "\"quant_method\" | \"method\" | 'quant_method' is missing, expected 'compressed-tensors'",
                "\"lm_head\" | 7 | 'ignore' has 7, expected names of modules or patterns",
                "\"lm_head\" | \"model.norm\" | tensor 'lm_head.weight_packed' is missing",
                "\"pack-quantized\" | \"marlin-24\" | expected one of [float-quantized, int-quantized,"
                        + " mxfp4-pack-quantized,",
                "\"Linear\" | \"Other\" | self_attn.q_proj.weight' is missing",
            })
    void readerRefusesAConfigThatSaysSomethingElse(String text, String other, String message) throws Exception {
        refusesConfig(CompressedScheme.W4A16, text, other, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"dynamic\": true | \"dynamic\": false | expected none, or 8 bits, symmetric, dynamic,"
                        + " by token or group",
                "\"token\" | \"tensor\" | expected none, or 8 bits, symmetric, dynamic, by token or group",
                "\"channel\" | \"tensor\" | and shape [128, 1], expected one of [F32, F16, BF16] and [1]",
                "\"float-quantized\" | \"int-quantized\" | codes of E4M3, which the format 'int-quantized' does not"
                        + " hold",
                "\"float\" | \"int\" | codes of INT8, which the format 'float-quantized' does not hold",
            })
    void readerRefusesOtherRoundingOfInputs(String text, String other, String message) throws Exception {
        refusesConfig(CompressedScheme.FP8_DYNAMIC, text, other, message);
    }

    /** One thing is changed in the config of a folder that we wrote. */
    private void refusesConfig(CompressedScheme scheme, String text, String other, String message) throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 7);
        Path target = CompressedFolders.compress(folder, source, scheme, 1);
        Path config = target.resolve("config.json");
        String before = Files.readString(config);
        assertThat(before).contains(text);
        Files.writeString(config, before.replace(text, other));

        assertThatThrownBy(() -> CompressedTensorsReader.open(target))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void inputsThatConsumersRoundByAZeroPointAreRefusedUnlessWeightsAloneAreAskedFor() throws Exception {
        ObjectNode config = config(List.of(new Group(CompressedScheme.W8A8, List.of("Linear"))));
        ((ObjectNode) config.at("/quantization_config/config_groups/group_0/input_activations"))
                .put("symmetric", false);

        assertThatThrownBy(() -> StoredConfig.read(config, "config.json", false))
                .hasMessageContaining("group_0 has input_activations {");
        assertThat(StoredConfig.read(config, "config.json", true).groups()).hasSize(1);
    }

    /** Two groups of different codes, each with what it names, and which of them has the module. */
    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "MODULE; MODULE; second",
                "Linear; Linear; second",
                "re:.*q_proj; re:.*q_proj; second",
                "re:.*q_proj$; re:.*q_proj; second",
                "re:.*q_proj; re:.*q_proj$; first",
                "re:.*self_attn.* re:.*q_proj; re:.*r.*; first",
                "MODULE; re:.*q_proj; first",
                "re:.*q_proj; Linear; first",
                "re:q_proj; Linear; second",
                "Other; re:.*k_proj; neither",
            })
    void aModuleBelongsToTheGroupThatTheLibraryTakes(String first, String second, String chosen) throws Exception {
        ModelConfig model = ModelConfig.of(TinyModels.llama(), "config.json");
        TensorRule rule = model.architecture().tensors(model).stream()
                .filter(one -> one.module().equals(CompressedFolders.QUERY))
                .findFirst()
                .orElseThrow();
        ObjectNode config = config(List.of(
                new Group(CompressedScheme.W4A16, targets(first)),
                new Group(CompressedScheme.FP8_DYNAMIC, targets(second))));

        Optional<StoredFormat.Modules> found =
                StoredConfig.read(config, "config.json", false).of(rule, List.of(rule.module()));

        assertThat(found.map(StoredFormat.Modules::kind))
                .isEqualTo(
                        switch (chosen) {
                            case "first" -> Optional.of(StoredFormat.Kind.PACKED_INTEGERS);
                            case "second" -> Optional.of(StoredFormat.Kind.FLOATS);
                            default -> Optional.empty();
                        });
    }

    private static List<String> targets(String names) {
        return List.of(names.replace("MODULE", CompressedFolders.QUERY).split(" "));
    }

    private static ObjectNode config(List<Group> groups) {
        ObjectNode config = StrictJson.object();
        config.set(QuantizationConfig.KEY, QuantizationConfig.of(groups, List.of()));
        return config;
    }

    @Test
    void readerRefusesAFloatCodeThatIsNoNumber() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 9);
        Path target = CompressedFolders.compress(folder, source, CompressedScheme.FP8_DYNAMIC, 1);
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight", 130, (byte) 0xff);

        try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
            assertThatThrownBy(() ->
                            CompressedFolders.floats(reader, CompressedFolders.QUERY + ".weight", Shape.of(128, 128)))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining(
                            "tensor '" + CompressedFolders.QUERY + ".weight' holds NaN in row 1, column 2");
        }
    }

    @Test
    void readerRefusesAStoredShapeThatContradictsTheConfig() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 8);
        Path target = CompressedFolders.compress(folder, source, CompressedScheme.W4A16, 1);
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_shape", 0, (byte) 64);

        assertThatThrownBy(() -> CompressedTensorsReader.open(target))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(
                        "tensor '" + CompressedFolders.QUERY + ".weight_shape' holds [64, 128], expected [128, 128]");
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_shape", 0, (byte) 128);
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_shape", Long.BYTES, (byte) 64);
        assertThatThrownBy(() -> CompressedTensorsReader.open(target))
                .hasMessageContaining(".weight_shape' holds [128, 64], expected [128, 128]");
    }

    @Test
    void readerRefusesAScaleThatIsNotFinite() throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 9);
        Path target = CompressedFolders.compress(folder, source, CompressedScheme.W4A16, 1);
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_scale", 2, (byte) 0x80, (byte) 0x7f);

        try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
            assertThatThrownBy(() ->
                            CompressedFolders.floats(reader, CompressedFolders.QUERY + ".weight", Shape.of(128, 128)))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageContaining(
                            "tensor '" + CompressedFolders.QUERY + ".weight_scale' holds Infinity in row 1");
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0.0", "-1, -1.0", "Infinity, Infinity", "NaN, NaN"})
    void readerRefusesAGlobalScaleThatDividesByNothing(float scale, String said) throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), TinyModels.llama(), DType.F32, 9);
        Path target = CompressedFolders.compress(folder, source, CompressedScheme.NVFP4A16, 1);
        ByteBuffer bytes =
                ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN).putFloat(scale);
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_global_scale", 0, bytes.array());

        assertThatThrownBy(() -> CompressedTensorsReader.open(target))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor '" + CompressedFolders.QUERY + ".weight_global_scale' holds " + said
                        + ", expected a number above 0");
    }

    @ParameterizedTest
    @CsvSource({
        "-1, 'holds -1, expected numbers of groups, 0 to 3'",
        "4, 'holds 4, expected numbers of groups, 0 to 3'",
        "0, 'gives group '",
        "1, 'gives group '",
    })
    void groupsOfColumnsMustBeThereAndOfOneSize(int group, String said) throws Exception {
        Path golden =
                Path.of(Objects.requireNonNull(CompressedReaderTest.class.getResource("column_groups_f32/config.json"))
                        .toURI());
        Path target = Files.createDirectory(folder.resolve("target"));
        for (String name : List.of("config.json", "model.safetensors")) {
            Files.copy(golden.resolveSibling(name), target.resolve(name));
        }
        byte[] four = ByteBuffer.allocate(4 * Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(group)
                .putInt(group)
                .putInt(group)
                .putInt(group)
                .array();
        CompressedFolders.patch(target, CompressedFolders.QUERY + ".weight_g_idx", 0, four);

        assertThatThrownBy(() -> CompressedTensorsReader.open(target))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor '" + CompressedFolders.QUERY + ".weight_g_idx' " + said);
    }
}
