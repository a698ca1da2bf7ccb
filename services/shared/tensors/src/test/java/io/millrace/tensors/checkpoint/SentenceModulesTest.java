package io.millrace.tensors.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentenceModulesTest {
    @TempDir
    Path folder;

    private Path model = Path.of("");

    @BeforeEach
    void write() throws IOException {
        model = TinyModels.write(folder.resolve("model"), TinyModels.llama(), DType.F32, 1);
    }

    @Test
    void aDerivedFolderKeepsThemWithoutWeights() throws Exception {
        List<String> kept = List.of(
                "modules.json",
                "config_sentence_transformers.json",
                "sentence_bert_config.json",
                "1_Pooling/config.json",
                "2_Dense/config.json");
        modules("[{\"path\": \"\"}, {\"path\": \"1_Pooling\"}, {\"path\": \"2_Dense\"}, {\"path\": \"3_Normalize\"}]");
        for (String inner : List.of("1_Pooling", "2_Dense", "4_Unnamed")) {
            Files.createDirectory(model.resolve(inner));
            Files.writeString(model.resolve(inner + "/config.json"), inner);
        }
        Files.writeString(model.resolve("config_sentence_transformers.json"), "{}");
        Files.writeString(model.resolve("sentence_bert_config.json"), "{}");
        Files.createSymbolicLink(model.resolve("2_Dense/pytorch_model.bin"), folder.resolve("nowhere"));
        Path pruned = folder.resolve("pruned");

        try (Checkpoint source = Checkpoint.open(model);
                DenseWriter writer =
                        DenseWriter.derived(pruned, source, source.config().json(), source.tensors(), "prune")) {
            for (var tensor : source.tensors()) {
                writer.append(
                        source.reader().rows(tensor.name(), 0, tensor.shape().rows()));
            }
            writer.finish();

            assertThat(source.modules().lost())
                    .hasValueSatisfying(lost -> assertThat(lost).contains("reads 2_Dense/pytorch_model.bin: copy"));
        }

        assertThat(kept)
                .allSatisfy(name -> assertThat(pruned.resolve(name)).hasSameBinaryContentAs(model.resolve(name)));
        assertThat(pruned.resolve("2_Dense")).isDirectoryNotContaining("glob:**.bin");
        assertThat(pruned.resolve("4_Unnamed")).doesNotExist();
        try (Checkpoint again = Checkpoint.open(pruned)) {
            assertThat(again.modules().lost()).isEqualTo(Optional.empty());
        }
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: modules that leave the folder are refused")
    void modulesThatLeaveTheFolderAreRefused() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("config.json"), "{}");
        for (String path : List.of("\"../elsewhere\"", "\"" + elsewhere + "\"", "\"a/../b\"", "\"..\"", "1", "null")) {
            modules("[{\"path\": " + path + "}]");

            refused("modules.json: a module's 'path' is " + path);
        }
        modules("[{}]");
        refused("modules.json: a module's 'path' is missing, expected the plain name");
        modules("{}");
        refused("modules.json: found JSON of another kind, expected a list [...]");
        modules("[");
        refused("not one JSON list");
        modules("[{\"path\": \"1_Pooling\"}]");
        Files.createSymbolicLink(model.resolve("1_Pooling"), elsewhere);
        refused("1_Pooling: the folder is a symbolic link");
        Files.delete(model.resolve("1_Pooling"));
        Files.createDirectory(model.resolve("1_Pooling"));
        Files.createSymbolicLink(model.resolve("1_Pooling/config.json"), elsewhere.resolve("config.json"));
        refused("1_Pooling/config.json: the file is a link that leads outside its folder");
    }

    private void modules(String json) throws IOException {
        Files.writeString(model.resolve("modules.json"), json);
    }

    private void refused(String message) {
        assertThatThrownBy(() -> Checkpoint.open(model))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }
}
