package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.models.Tokenizer;
import io.millrace.tensors.checkpoint.Checkpoint;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DequantizeCommandTest {
    private static final Path STORIES = Path.of("../../../shared/models/stories260K");

    @TempDir
    private Path folder;

    @Test
    void aModelThatWentToF32AndBackHasTheSameBytesInEveryTensor() throws IOException {
        Path model = compressed("gguf:F32");

        Said said = Said.to("dequantize", out("gguf-F32/model-F32.gguf"), "-o", out("dense"));

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.out()).contains("in F32").contains("tokenizer made from the file's keys");
        assertSameTensors(model, folder.resolve("dense"));
    }

    @Test
    void theFolderOfACompressedModelIsReadAsWell() throws IOException {
        compressed("compressed-tensors:W8A16");

        Said said = Said.to("dequantize", out("compressed-tensors-W8A16"), "-o", out("dense"), "--dtype", "f32");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.out()).contains("in F32").contains("tokenizer files copied");
        try (Checkpoint dense = Checkpoint.open(folder.resolve("dense"))) {
            assertThat(dense.metadata()).containsEntry(Checkpoint.MADE, "dequantize");
        }
    }

    @Test
    void anOnnxGraphIsReadByItsFolderOrItsFile() throws IOException {
        compressed("onnx:int8");

        Said byFolder = Said.to("dequantize", out("onnx-int8"), "-o", out("dense"), "--dtype", "f32");
        Said byFile = Said.to("dequantize", out("onnx-int8/model.onnx"), "-o", out("again"), "--dtype", "f32");

        assertThat(byFolder.exitCode()).as(byFolder.err()).isZero();
        assertThat(byFile.exitCode()).as(byFile.err()).isZero();
        assertThat(byFolder.out()).contains("in F32").contains("tokenizer files copied");
        assertSameTensors(folder.resolve("dense"), folder.resolve("again"));
        assertThat(folder.resolve("again/tokenizer.json")).exists();
    }

    @Test
    void wrongInputIsRefusedAndLeavesNothing() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "not a model");
        Files.createDirectories(folder.resolve("there"));

        assertThat(Said.to("dequantize", text.toString(), "-o", out("dense"))).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
            assertThat(said.err()).contains("expected a GGUF file");
        });
        assertThat(Said.to("dequantize", out("nowhere"), "-o", out("dense")).exitCode())
                .isEqualTo(ExitCode.NOT_FOUND);
        assertThat(Said.to("dequantize", text.toString(), "-o", out("there")).err())
                .contains("there exists");
        assertThat(Said.to("dequantize", text.toString(), "-o", out("dense"), "--dtype", "f64")
                        .exitCode())
                .isEqualTo(ExitCode.USAGE);
        try (var left = Files.list(folder)) {
            assertThat(left).containsExactlyInAnyOrder(text, folder.resolve("there"));
        }
    }

    @Test
    void aNumberTooLargeForTheTypeIsNamed() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"), 1e6f);

        Said said = Said.to("dequantize", model.toString(), "-o", out("dense"), "--dtype", "f16");

        assertThat(said.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("'model.layers.0.mlp.down_proj.weight' holds 1000000.0 in row 0, column 0");
        assertThat(folder.resolve("dense")).doesNotExist();
    }

    @Test
    void aTokenizerMadeOfAFilesKeysTurnsTextIntoTheSameTokens() throws IOException {
        Assumptions.assumeTrue(Files.isDirectory(STORIES), "no " + STORIES + " beside the repository");
        Said made = Said.to("compress", STORIES.toString(), "--to", "gguf:Q8_0", "-o", folder.toString());
        assertThat(made.exitCode()).as(made.err()).isZero();

        Said said = Said.to("dequantize", out("gguf-Q8_0"), "-o", out("dense"));

        assertThat(said.exitCode()).as(said.err()).isZero();
        String text = Files.readString(STORIES.resolve("eval.txt")) + " Zwölf naïve 🐟 <s> \t\n  x";
        try (Tokenizer original = Tokenizer.open(STORIES);
                Tokenizer rebuilt = Tokenizer.open(folder.resolve("dense"))) {
            assertThat(rebuilt.encode(text)).isEqualTo(original.encode(text));
        }
    }

    private Path compressed(String target) throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));
        Said said = Said.to("compress", model.toString(), "--to", target, "-o", folder.toString());
        assertThat(said.exitCode()).as(said.err()).isZero();
        return model;
    }

    private String out(String name) {
        return folder.resolve(name).toString();
    }

    private static void assertSameTensors(Path expected, Path found) throws IOException {
        try (Checkpoint a = Checkpoint.open(expected);
                Checkpoint b = Checkpoint.open(found)) {
            assertThat(b.tensors()).isEqualTo(a.tensors());
            for (var tensor : a.tensors()) {
                long rows = tensor.shape().rows();
                MemorySegment bytes = a.reader().rows(tensor.name(), 0, rows);
                assertThat(bytes.mismatch(b.reader().rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
        }
    }
}
