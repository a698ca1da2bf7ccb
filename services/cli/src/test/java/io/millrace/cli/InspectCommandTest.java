package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class InspectCommandTest {
    @TempDir
    private static Path folder;

    private static Path model = Path.of("");
    private static Path gguf = Path.of("");

    @BeforeAll
    static void compressAModel() throws IOException {
        model = RandomModel.write(folder.resolve("model"));
        Path out = folder.resolve("out");
        Said said = Said.to(
                "compress",
                model.toString(),
                "--to",
                "gguf:Q4_0",
                "--to",
                "compressed-tensors:W4A16",
                "--to",
                "onnx:int4",
                "-o",
                out.toString());
        assertThat(said.exitCode()).as(said.err()).isZero();
        gguf = out.resolve("gguf-Q4_0/model-Q4_0.gguf");
    }

    @Test
    void aLoraAdapterIsCalledSoUnlessAModelLiesBesideIt() throws IOException {
        Path adapter = Files.createDirectory(folder.resolve("adapter"));
        Files.writeString(adapter.resolve("adapter_config.json"), "{}");

        for (Said said : List.of(
                Said.to("inspect", adapter.toString()),
                Said.to(
                        "dequantize",
                        adapter.toString(),
                        "-o",
                        folder.resolve("dense").toString()))) {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err())
                    .contains("is a LoRA adapter (adapter_config.json)")
                    .contains("merge_and_unload()");
        }
        Files.copy(gguf, adapter.resolve("model.gguf"));
        assertThat(Said.to("inspect", adapter.toString()).exitCode()).isZero();
    }

    @Test
    void aGgufFileShowsItsKeysAndTypesAndListsShortened() {
        Said said = Said.to("inspect", gguf.toString());

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.out())
                .contains("GGUF v3, llama, 361,088 parameters")
                .containsPattern("llama\\.block_count +u32 +2")
                .containsPattern("tokenizer\\.ggml\\.tokens +array of string +256: .*…")
                .containsPattern("Q4_0 +15 ")
                .doesNotContain("blk.0.attn_q.weight");
    }

    @Test
    void tensorsAreListedWhenAskedFor() {
        assertThat(Said.to("inspect", gguf.toString(), "--tensors").out())
                .containsPattern("blk\\.0\\.ffn_down\\.weight +128 × 256 +Q4_0 +18\\.0 KiB");
    }

    @Test
    void theDocumentForProgramsHoldsEveryTensor() throws IOException {
        JsonNode document = new ObjectMapper()
                .readTree(Said.to("inspect", gguf.getParent().toString(), "--output", "json")
                        .out());

        assertThat(document.path("format").asText()).isEqualTo("GGUF v3");
        assertThat(document.path("tensors")).hasSize(21);
        assertThat(document.at("/tensors/0/shape")).hasSize(2);
        long bytes = 0;
        for (JsonNode tensor : document.path("tensors")) {
            bytes += tensor.path("bytes").asLong();
        }
        assertThat(bytes).isGreaterThan(4 * 361_088 / 8);
        assertThat(document.path("tensor-bytes").asLong()).isEqualTo(bytes);
        assertThat(document.path("file-bytes").asLong()).isEqualTo(Files.size(gguf));
        assertThat(document.path("parameters").asLong()).isEqualTo(361_088);
        assertThat(document.path("bits-per-weight").asDouble()).isEqualTo(bytes * 8.0 / 361_088);
        assertThat(document.path("types").findValuesAsText("type")).containsExactly("Q4_0", "Q8_0", "F32");
    }

    @Test
    void anOnnxGraphShowsItsConstantsAndWhoMadeIt() {
        Said said = Said.to("inspect", folder.resolve("out/onnx-int4").toString(), "--tensors");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.out())
                .contains("ONNX, LlamaForCausalLM, 361,088 parameters")
                .containsPattern("millrace\\.made +string +quantize")
                .containsPattern("model\\.layers\\.0\\.mlp\\.down_proj\\.weight_Q4 +128 × 8 × 16 +UINT8 +16\\.0 KiB");
    }

    @Test
    void foldersSayWhetherTheyAreDenseOrCompressed() {
        assertThat(Said.to("inspect", model.toString()).out())
                .contains("Hugging Face folder, LlamaForCausalLM, 361,088 parameters, 32.000 bits each")
                .containsPattern("hidden_size +number +128");
        assertThat(Said.to(
                                "inspect",
                                folder.resolve("out/compressed-tensors-W4A16").toString())
                        .out())
                .contains("compressed-tensors folder (pack-quantized), LlamaForCausalLM, 361,088 parameters")
                .containsPattern("quantization_config\\.config_groups\\.group_0\\.weights\\.num_bits +number +4");
    }

    @Test
    void aSingleSafetensorsFileIsShownWithoutItsConfiguration() {
        assertThat(Said.to("inspect", model.resolve("model.safetensors").toString())
                        .out())
                .contains("safetensors, 361,088 parameters")
                .containsPattern("F32 +21 +361,088");
    }

    @Test
    void damagedAndForeignFilesAreRefusedWithTheReason() throws IOException {
        byte[] whole = Files.readAllBytes(gguf);
        Path cut = Files.write(folder.resolve("cut.gguf"), Arrays.copyOf(whole, whole.length / 2));
        Path text = Files.writeString(folder.resolve("text.gguf"), "not a model");

        assertThat(Said.to("inspect", cut.toString())).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("cut.gguf: at byte").contains("copy the file again");
        });
        assertThat(Said.to("inspect", text.toString())).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("starts with the bytes 6e 6f 74 20").contains("expected a GGUF file");
        });
        assertThat(Said.to("inspect", folder.resolve("nothing").toString()).exitCode())
                .isEqualTo(ExitCode.NOT_FOUND);
        assertThat(Said.to("inspect", folder.toString()).err()).contains("holds 2 GGUF files, name one of them");
    }

    @Test
    void nothingInAFileReachesTheTerminalAsACommand() throws IOException {
        byte[] bytes = Files.readAllBytes(gguf);
        String start = new String(bytes, 0, 4096, StandardCharsets.ISO_8859_1);
        int type = start.indexOf("general.type") + "general.type".length() + Integer.BYTES + Long.BYTES;
        bytes[type] = 0x1b;
        bytes[type + 1] = '\n';
        Path hostile = Files.createDirectories(folder.resolve("hostile")).resolve("hostile.gguf");
        Files.write(hostile, bytes);

        assertThat(Said.to("inspect", hostile.toString()).out())
                .containsPattern("general\\.type +string +\\\\u001b\\\\n")
                .doesNotContain("\u001b");
    }
}
