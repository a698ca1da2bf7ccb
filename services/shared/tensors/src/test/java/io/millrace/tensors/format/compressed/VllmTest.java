package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The server that the folders are made for: vLLM merges q, k and v, gate and up, finds the scheme of each by our patterns,
 * and answers as it does with the dequantized folder. {@code MILLRACE_VLLM_PYTHON} names an interpreter that has vLLM for
 * CPUs ({@code src/test/golden/README.md}); the schemes are those that its kernels run without AMX.
 */
class VllmTest {
    private static final String PYTHON = System.getenv().getOrDefault("MILLRACE_VLLM_PYTHON", "");

    @TempDir
    Path folder;

    @BeforeAll
    static void requireVllm() {
        String reason = "skipped: MILLRACE_VLLM_PYTHON names no Python with vLLM for CPUs";
        if (PYTHON.isEmpty()) {
            System.out.println(reason);
        }
        assumeTrue(!PYTHON.isEmpty(), reason);
    }

    /** Measured: 0.003 and 0.008 where sums in BF16 are all that differs, 0.07 where inputs are rounded as well. */
    @ParameterizedTest
    @CsvSource({
        "BF16, W4A16, WNA16, W4A16_ASYM, WNA16, 0.05",
        "BF16, W4A16_ASYM_CHANNEL, WNA16, W4A16_CHANNEL, WNA16, 0.05",
        "F32, W8A8, W8A8Int8, FP8_DYNAMIC, W8A8Fp8, 0.3"
    })
    void vllmAnswersAsWithTheDequantizedFolder(
            DType type,
            CompressedScheme scheme,
            String itsName,
            CompressedScheme ofAttention,
            String nameOfAttention,
            double limit)
            throws Exception {
        ObjectNode config = TinyModels.llama();
        config.put("hidden_size", 256).put("intermediate_size", 512).put("vocab_size", 512);
        config.put("num_attention_heads", 4).put("num_key_value_heads", 2).put("head_dim", 64);
        Path source = TinyModels.write(folder.resolve("source"), config, type, 7, 0.2f);
        Path compressed = folder.resolve("compressed");
        ModuleSchemes schemes = new ModuleSchemes(
                scheme,
                List.of(new ModuleSchemes.ModuleScheme(Pattern.compile("[qkv]_proj"), ofAttention)),
                List.of(Pattern.compile("0.*o_proj")));
        try (Checkpoint checkpoint = Checkpoint.openOriginal(source)) {
            CompressedTensorsWriter.plan(checkpoint, schemes, 500_000).write(compressed, 1, Progress.NONE);
        }
        assertThat(compressed.resolve("model.safetensors.index.json")).exists();
        Path dense = CompressedFolders.dense(compressed, folder.resolve("dense"));

        JsonNode report = new PythonScripts(PYTHON, folder)
                .run(
                        "vllm_logprobs.py",
                        List.of(type == DType.F32 ? "float32" : "bfloat16", compressed.toString(), dense.toString()));

        System.out.println(scheme + " and " + ofAttention + ": " + report);
        JsonNode layers = report.path("schemes");
        assertThat(layers.path("model.layers.0.self_attn.qkv_proj").asText())
                .isEqualTo("CompressedTensors" + nameOfAttention);
        assertThat(layers.path("model.layers.1.mlp.gate_up_proj").asText()).isEqualTo("CompressedTensors" + itsName);
        assertThat(layers.path("model.layers.0.self_attn.o_proj").asText()).isEqualTo("dense");
        assertThat(layers.path("model.layers.1.self_attn.o_proj").asText()).isEqualTo("CompressedTensors" + itsName);
        assertThat(report.path("tokens").asInt()).isEqualTo(47);
        assertThat(report.path("gap").asDouble(9)).isLessThan(limit);
        assertThat(report.path("spread").asDouble(0)).isGreaterThan(2);
    }
}
