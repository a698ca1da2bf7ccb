package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of a checkpoint's folder: which are its own, which go along, and which are never opened. */
class CheckpointFilesTest {
    @TempDir
    Path folder;

    @Test
    void folderWithoutConfigOrWeightsIsRefused() throws IOException {
        assertThatThrownBy(() -> Checkpoint.open(folder))
                .hasMessage("config.json: the file is missing; copy the folder again");

        Files.writeString(folder.resolve("config.json"), StrictJson.print(TinyModels.llama()));

        assertThatThrownBy(() -> Checkpoint.open(folder)).hasMessageContaining("found neither model.safetensors nor");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_model.bin", "model.pt", "Model.PTH", "optimizer.pkl"})
    @Tag("promise-6")
    @DisplayName("Promise 6: a folder of pickles alone is refused because they execute code")
    void folderOfPicklesAloneIsRefusedBecauseTheyExecuteCode(String name) throws IOException {
        TinyModels.write(folder, TinyModels.llama(), DType.F32, 1);
        Files.delete(folder.resolve("model.safetensors"));
        Files.write(folder.resolve(name), new byte[] {1});

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageStartingWith(name + ": found a pickle file, which executes code")
                .hasMessageContaining("save_pretrained");
    }

    @Test
    void weightsOfAnOpenVinoGraphAreNotCalledAPickle() throws IOException {
        TinyModels.write(folder, TinyModels.llama(), DType.F32, 1);
        Files.delete(folder.resolve("model.safetensors"));
        Files.write(folder.resolve("openvino_model.bin"), new byte[] {1});
        Files.writeString(folder.resolve("openvino_model.xml"), "<net/>");

        assertThatThrownBy(() -> Checkpoint.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("found neither model.safetensors nor model.safetensors.index.json");
    }

    /** DESIGN.md promise 6: a pickle is neither read (these links lead nowhere) nor handed on. */
    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: pickles beside safetensors are neither read nor copied")
    void picklesOfATrainerBesideSafetensorsAreNeitherReadNorCopied() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        List<String> pickles = List.of("training_args.bin", "optimizer.pt", "rng_state.pth", "pytorch_model.bin");
        for (String pickle : pickles) {
            Files.createSymbolicLink(model.resolve(pickle), model.resolve("nowhere"));
        }
        Path copied = Files.createDirectories(folder.resolve("copied"));

        try (Checkpoint checkpoint = Checkpoint.openOriginal(model)) {
            checkpoint.copyCompanions(copied);

            assertThat(checkpoint.parameters()).isPositive();
        }

        assertThat(copied).isEmptyDirectory();
    }

    /** A loader of GPT-2's form opens an empty tokenizer where its files are missing, and says nothing. */
    @Test
    void aTokenizerOfAnyFormGoesAlong() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        Files.createDirectory(model.resolve("additional_chat_templates"));
        List<String> names = List.of(
                "vocab.json",
                "merges.txt",
                "added_tokens.json",
                "tokenizer.model",
                "tekken.json",
                "additional_chat_templates/tool_use.jinja");
        for (String name : names) {
            Files.writeString(model.resolve(name), name);
        }
        Path copied = Files.createDirectories(folder.resolve("copied"));

        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            checkpoint.copyCompanions(copied);
        }

        assertThat(names).allSatisfy(name -> assertThat(copied.resolve(name)).hasContent(name));
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a config and a tokenizer that are links out of the folder are refused")
    void linkedConfigAndTokenizerOutsideTheFolderAreRefused(@TempDir Path elsewhere) throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
        Path secret = Files.writeString(elsewhere.resolve("secret"), "{}");
        Files.createSymbolicLink(model.resolve("tokenizer.json"), secret);
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            assertThatThrownBy(() -> checkpoint.copyCompanions(elsewhere))
                    .hasMessageContaining("tokenizer.json: the file is a link that leads outside its folder");
        }

        Files.delete(model.resolve("config.json"));
        Files.createSymbolicLink(model.resolve("config.json"), secret);

        assertThatThrownBy(() -> Checkpoint.open(model))
                .hasMessageContaining("config.json: the file is a link that leads outside its folder");
    }

    @Test
    void whatAStageMadeIsNotAnOriginal() throws IOException {
        Path model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.BF16, 1);
        Files.writeString(model.resolve("generation_config.json"), "{}");
        Path pruned = folder.resolve("pruned");
        try (Checkpoint source = Checkpoint.openOriginal(model);
                DenseWriter writer =
                        DenseWriter.derived(pruned, source, source.config().json(), source.tensors(), "prune")) {
            for (TensorSpec tensor : source.tensors()) {
                writer.append(
                        source.reader().rows(tensor.name(), 0, tensor.shape().rows()));
            }
            writer.finish();
        }

        assertThatThrownBy(() -> Checkpoint.openOriginal(pruned))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("'millrace.made' = 'prune'");
        try (Checkpoint copy = Checkpoint.open(pruned)) {
            assertThat(copy.metadata()).containsEntry("millrace.made", "prune");
        }
        assertThat(pruned.resolve("generation_config.json")).exists();
    }

    @Test
    void aWrittenFolderNamesNoPythonFilesThatItDoesNotHave() throws IOException {
        ObjectNode config = TinyModels.llama();
        config.putObject("auto_map").put("AutoConfig", "configuration_phi3.Phi3Config");
        Path written = folder.resolve("written");
        TinyModels.write(written, config, DType.F32, 1);

        assertThat(StrictJson.readFile(written.resolve("config.json"), 10_000).has("auto_map"))
                .isFalse();
    }

    @Test
    void bothNamesOfTheTypeSayWhatIsThere() throws IOException {
        Path written = folder.resolve("written");
        TinyModels.write(written, TinyModels.llama().put("dtype", "float16"), DType.F32, 1);

        ObjectNode config = StrictJson.readFile(written.resolve("config.json"), 10_000);
        assertThat(config.path("torch_dtype").asText()).isEqualTo("float32");
        assertThat(config.path("dtype").asText()).isEqualTo("float32");
    }
}
