package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.store.PartialFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What compress refuses, and what is left of a target that could not be made, and of those beside it. */
final class CompressRefusalTest extends CompressFixture {
    @Test
    void whatIsNoCheckpointIsRefusedWithTheReason() throws IOException {
        Path file = Files.writeString(folder.resolve("model.gguf"), "GGUF");
        Path empty = Files.createDirectories(folder.resolve("empty"));

        assertThat(compressOther(folder.resolve("nowhere"))).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
            assertThat(said.err()).contains("there is no folder").doesNotContain("hf download");
        });
        assertThat(compressOther(Path.of("Nobody", "SmallModel")).err())
                .contains("hf download Nobody/SmallModel --local-dir FOLDER");
        assertThat(compressOther(file)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("is a file").contains("millrace dequantize");
        });
        assertThat(compressOther(empty)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("has no config.json");
        });
    }

    @Test
    void aLoraAdapterIsCalledSoAndRemarkedBesideAModel() throws IOException {
        Path trained = Files.createDirectory(folder.resolve("checkpoint-20"));
        Files.writeString(trained.resolve("adapter_config.json"), "{}");
        Path both = RandomModel.write(folder.resolve("both"));
        Files.writeString(both.resolve("adapter_model.safetensors"), "");

        assertThat(compressOther(trained)).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err())
                    .contains("is a LoRA adapter (adapter_config.json)")
                    .contains("merge_and_unload()");
        });
        assertThat(compressOther(both)).satisfies(said -> {
            assertThat(said.exitCode()).as(said.err()).isZero();
            assertThat(said.err()).contains("a LoRA adapter lies beside the model (adapter_model.safetensors)");
        });
    }

    @Test
    void aQuantizedCheckpointIsRefusedByName() {
        assertThat(compress("--to", "compressed-tensors:W8A16").exitCode()).isZero();

        Said said = compressOther(folder.resolve("out/compressed-tensors-W8A16"));

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("already quantized");
    }

    @Test
    void aWeightThatIsNotANumberIsNamedAndNothingIsLeft() throws IOException {
        Path broken = RandomModel.write(folder.resolve("broken"), Float.NaN);

        Said said = compressOther(broken);

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("tensor 'model.layers.0.mlp.down_proj.weight' holds NaN in row 0, column 0");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void anImportanceMatrixOfAnotherModelIsRefused() throws IOException {
        Path matrix = importances("blk.0.attn_q.weight", 64);

        Said said = compress("--to", "gguf:IQ4_NL", "--importance", matrix.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("blk.0.attn_q.weight", "64", "128");
        assertThat(compress("--to", "gguf:IQ4_NL", "--importance", "nowhere.dat")
                        .exitCode())
                .isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    void anOutputThatExistsIsRefusedBeforeAnyWork() throws IOException {
        Files.createDirectories(folder.resolve("out/gguf-Q8_0"));

        Said said = compress("--to", "gguf:F16", "--to", "gguf:Q8_0");

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("gguf-Q8_0 exists");
        assertThat(folder.resolve("out/gguf-F16")).doesNotExist();
    }

    @Test
    void aWorkspaceThatAnotherProcessHoldsIsNotTouched() throws IOException {
        Path out = Files.createDirectory(folder.resolve("out"));
        try (PartialFolder held = PartialFolder.of(out.resolve("gguf-Q8_0")).orElseThrow()) {
            Said said = compress("--to", "gguf:Q8_0");

            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("gguf-Q8_0").contains("wait for it");
            assertThat(held.files()).exists();
        }
    }

    @Test
    void whatAKilledProcessLeftIsNotInTheWay() throws IOException {
        Path left = Files.createDirectories(folder.resolve("out/.gguf-Q8_0.partial/files/output"));
        Files.writeString(left.resolve("model-Q8_0.gguf"), "half");

        Said said = compress("--to", "gguf:Q8_0");

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(folder.resolve("out/.gguf-Q8_0.partial")).doesNotExist();
        assertThat(folder.resolve("out/gguf-Q8_0/model-Q8_0.gguf")).exists();
    }

    @Test
    void oneTargetThatDoesNotFitDoesNotStopTheOthers() throws IOException {
        Path large = RandomModel.write(folder.resolve("large"), 1e6f);

        Said said =
                Said.to("compress", large.toString(), "--to", "gguf:F16", "--to", "gguf:F32", "-o", out().toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.UNSUCCESSFUL);
        assertThat(said.err()).contains("gguf:F16: ").contains("too large for the half-precision numbers of F16");
        assertThat(folder.resolve("out/gguf-F16")).doesNotExist();
        assertThat(folder.resolve("out/gguf-F32/model-F32.gguf")).exists();
    }

    @Test
    void aTokenizerThatOneFormatCannotTakeDoesNotStopTheOthers() throws IOException {
        Path checkpoint = RandomModel.write(folder.resolve("checkpoint"));
        Files.writeString(checkpoint.resolve("tokenizer.json"), "{}");

        for (List<String> order : List.of(List.of("gguf:F32", "onnx:int8"), List.of("onnx:int8", "gguf:F32"))) {
            String out = folder.resolve(order.getFirst().replace(':', '-')).toString();
            Said said = Said.to(
                    "compress", checkpoint.toString(), "--to", order.getFirst(), "--to", order.getLast(), "-o", out);

            assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.UNSUCCESSFUL);
            assertThat(said.err()).contains("gguf:F32: ").contains("tokenizer.json");
            assertThat(Path.of(out, "onnx-int8/model.onnx")).exists();
            assertThat(Path.of(out, "gguf-F32")).doesNotExist();
        }
    }

    @Test
    void anInterruptLeavesNothing() {
        Thread.currentThread().interrupt();

        Said said = compress("--to", "gguf:Q4_K_M");

        assertThat(said.exitCode()).isEqualTo(ExitCode.INTERRUPTED);
        assertThat(said.err()).contains("stopped; nothing was left").doesNotContain("targets");
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
