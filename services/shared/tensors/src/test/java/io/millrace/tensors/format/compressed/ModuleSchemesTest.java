package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModuleSchemesTest {
    @TempDir
    Path folder;

    @Test
    void theFirstPatternThatFitsCountsAndIgnoredModulesHaveNone() throws Exception {
        Map<String, CompressedScheme> schemes = schemes(
                        List.of("layers.1.mlp"), "down=W8A16", "(down|o)_proj=FP8_DYNAMIC")
                .of(ModelConfig.of(TinyModels.llama(), ModelFolder.CONFIG));

        assertThat(schemes)
                .hasSize(11)
                .containsEntry("model.layers.0.mlp.down_proj.weight", CompressedScheme.W8A16)
                .containsEntry("model.layers.1.self_attn.o_proj.weight", CompressedScheme.FP8_DYNAMIC)
                .containsEntry("model.layers.0.mlp.up_proj.weight", CompressedScheme.W4A16)
                .doesNotContainKey("model.layers.1.mlp.down_proj.weight");
    }

    @Test
    void partsOfAMergedMatrixWithDifferentSchemesAreRefusedWithBothNames() throws Exception {
        ModelConfig config = ModelConfig.of(TinyModels.llama(), ModelFolder.CONFIG);

        assertThatThrownBy(() -> schemes(List.of(), "v_proj=W8A16").of(config))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'model.layers.0.self_attn.q_proj.weight' and"
                        + " 'model.layers.0.self_attn.v_proj.weight' are one matrix to serving engines")
                .hasMessageContaining(
                        "'scheme' gives W4A16 the first and 'module-scheme' v_proj gives W8A16 the second");
        assertThatThrownBy(() -> schemes(List.of("1.mlp.up"), "mlp=W8A16").of(config))
                .hasMessageContaining(
                        "'module-scheme' mlp gives W8A16 the first and 'ignore' 1.mlp.up leaves dense the" + " second");
        assertThatThrownBy(() -> schemes(List.of("proj")).of(config))
                .hasMessageContaining("'ignore' leaves every module dense");
    }

    @Test
    void aPatternThatFindsNothingIsRefusedWithTheNearestNames() throws Exception {
        ModelConfig config = ModelConfig.of(TinyModels.llama(), ModelFolder.CONFIG);

        assertThatThrownBy(() -> schemes(List.of(), "down=W8A16", "layers.0.mlp.dwon_proj=W8A16")
                        .of(config))
                .isInstanceOfSatisfying(
                        MalformedFileException.class,
                        refused -> assertThat(refused.kind()).isEqualTo(MalformedFileException.Kind.UNMATCHED_PATTERN))
                .hasMessageContaining("'module-scheme' layers.0.mlp.dwon_proj is found in none of the model's 14 names")
                .hasMessageContaining("near it are 'model.layers.0.mlp.down_proj', '");
        assertThatThrownBy(() -> schemes(List.of("lm_haed")).of(config))
                .hasMessageContaining("near it are 'lm_head', '");
        assertThatThrownBy(() -> schemes(List.of(), "lm_head=W8A16").of(config)).hasMessageContaining("found in none");
        assertThat(schemes(List.of("lm_head")).of(config)).hasSize(14);
    }

    @Test
    void expertsOfALayerMustBeAlike() throws Exception {
        ModelConfig config = ModelConfig.of(
                TinyModels.each().stream()
                        .filter(json -> json.path("model_type").asText().equals("qwen3_moe"))
                        .findFirst()
                        .orElseThrow(),
                ModelFolder.CONFIG);

        assertThatThrownBy(() -> schemes(List.of(), "experts\\..*down=W8A16").of(config))
                .hasMessageContaining(
                        "experts.0.gate_proj.weight' and 'model.layers.0.mlp.experts.0.down_proj.weight'");
        assertThat(schemes(List.of(), "layers.1.mlp.experts=W8A16").of(config).values())
                .contains(CompressedScheme.W8A16, CompressedScheme.W4A16);
    }

    @Test
    void targetsNameLayersOnlyWhereOthersAreElsewhere() throws Exception {
        ObjectNode config = config(TinyModels.llama(), schemes(List.of("o_proj"), "1.*down=W8A16", "[qkv]_p=W8A8"));

        JsonNode groups = config.path("config_groups");
        assertThat(texts(groups.path("group_0").path("targets")))
                .containsExactly(
                        "re:.*layers\\.\\d+\\.self_attn\\.q_proj$",
                        "re:.*layers\\.\\d+\\.self_attn\\.k_proj$",
                        "re:.*layers\\.\\d+\\.self_attn\\.v_proj$");
        assertThat(texts(groups.path("group_1").path("targets")))
                .containsExactly(
                        "re:.*layers\\.\\d+\\.mlp\\.gate_proj$",
                        "re:.*layers\\.\\d+\\.mlp\\.up_proj$",
                        "re:.*layers\\.(0)\\.mlp\\.down_proj$");
        assertThat(texts(groups.path("group_2").path("targets")))
                .containsExactly("re:.*layers\\.(1)\\.mlp\\.down_proj$");
        assertThat(groups).hasSize(3);
        assertThat(config.path("format").asText()).isEqualTo("mixed-precision");
        assertThat(groups.path("group_0").path("format").asText()).isEqualTo("int-quantized");
        assertThat(texts(config.path("ignore")))
                .containsExactly("model.layers.0.self_attn.o_proj", "model.layers.1.self_attn.o_proj", "lm_head");
    }

    @Test
    void groupsOfOneFormatSayItOnceAndOneGroupIsEveryLinear() throws Exception {
        ObjectNode alike = config(TinyModels.llama(), schemes(List.of(), "down=W8A16"));
        ObjectNode one = config(TinyModels.llama(), schemes(List.of("down"), "proj=W8A16"));

        assertThat(alike.path("format").asText()).isEqualTo("pack-quantized");
        assertThat(alike.path("config_groups").path("group_1").has("format")).isFalse();
        assertThat(one.path("config_groups")).hasSize(1);
        assertThat(texts(one.path("config_groups").path("group_0").path("targets")))
                .containsExactly("Linear");
        assertThat(one.path("config_groups")
                        .path("group_0")
                        .path("weights")
                        .path("num_bits")
                        .asInt())
                .isEqualTo(8);
    }

    /** vLLM asks for w1, w2 and w3 of Mixtral as gate_proj, down_proj and up_proj. */
    @Test
    void denseExpertsOfALayerHaveOnePatternThatFitsWhatEnginesCallThem() throws Exception {
        List<String> dense =
                texts(config(mixtral(), schemes(List.of("layers\\.0\\."))).path("ignore"));

        assertThat(dense)
                .containsExactly(
                        "model.layers.0.self_attn.q_proj",
                        "model.layers.0.self_attn.k_proj",
                        "model.layers.0.self_attn.v_proj",
                        "model.layers.0.self_attn.o_proj",
                        "model.layers.0.block_sparse_moe.gate",
                        "re:.*layers\\.0\\.block_sparse_moe\\.experts\\..*",
                        "model.layers.1.block_sparse_moe.gate",
                        "lm_head");
        ModuleNames ignored = new ModuleNames(dense);
        assertThat(ignored.matches("model.layers.0.block_sparse_moe.experts.0.gate_proj"))
                .isTrue();
        assertThat(ignored.matches("model.layers.1.block_sparse_moe.experts.0.gate_proj"))
                .isFalse();
    }

    private static ObjectNode mixtral() throws IOException {
        return TinyModels.each().stream()
                .filter(json -> json.path("model_type").asText().equals("mixtral"))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void expertsOfALayerHaveOnePattern() throws Exception {
        ObjectNode config = config(mixtral(), schemes(List.of(), "experts=W8A16"));

        assertThat(texts(config.path("config_groups").path("group_1").path("targets")))
                .containsExactly("re:.*layers\\.\\d+\\.block_sparse_moe\\.experts\\..*");
    }

    private ObjectNode config(ObjectNode model, ModuleSchemes schemes) throws Exception {
        Path source = TinyModels.write(folder.resolve("source"), model, DType.BF16, 7);
        Path target = folder.resolve("target");
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CompressedTensorsWriter.plan(checkpoint, schemes, 1 << 30).write(target, 1, Progress.NONE);
        }
        return (ObjectNode)
                StrictJson.readFile(target.resolve("config.json"), 1 << 20).path(QuantizationConfig.KEY);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asText()));
        return texts;
    }

    /** W4A16 where nothing else is said. */
    private static ModuleSchemes schemes(List<String> ignored, String... byPattern) {
        return new ModuleSchemes(
                CompressedScheme.W4A16,
                Stream.of(byPattern)
                        .map(text -> text.split("="))
                        .map(parts -> new ModuleSchemes.ModuleScheme(
                                Pattern.compile(parts[0]), CompressedScheme.valueOf(parts[1])))
                        .toList(),
                ignored.stream().map(Pattern::compile).toList());
    }
}
