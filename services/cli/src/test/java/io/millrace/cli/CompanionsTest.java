package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.client.CheckpointFolder;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.checkpoint.SentenceModules;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The client and the stages, which know nothing of each other, take the same files for a part of a model. */
final class CompanionsTest {
    @TempDir
    private Path folder;

    @Test
    void whatIsPublishedIsWhatTravelsToResults() throws IOException {
        assertThat(CheckpointFolder.COMPANIONS)
                .containsExactlyInAnyOrderElementsOf(
                        Stream.concat(ModelFolder.COMPANIONS.stream(), ModelFolder.SEEING_COMPANIONS.stream())
                                .toList());
    }

    @Test
    void theFilesOfAnEmbeddingModelArePublishedAndKept() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));
        for (String name : SentenceModules.NAMES) {
            Files.writeString(model.resolve(name), "{}");
        }
        Files.writeString(model.resolve("modules.json"), """
                [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                 {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
                 {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}]
                """);
        for (String inner : List.of("1_Pooling", "2_Dense")) {
            Files.createDirectory(model.resolve(inner));
            Files.writeString(model.resolve(inner + "/config.json"), "{}");
        }
        Files.writeString(model.resolve("2_Dense/model.safetensors"), "");

        Said said = Said.to(
                "compress",
                model.toString(),
                "--to=compressed-tensors:W8A16",
                "--to=onnx:int8",
                "-o",
                folder.resolve("out").toString());
        CheckpointFolder published = CheckpointFolder.open(model);

        SortedSet<String> kept = filesOf(folder.resolve("out/compressed-tensors-W8A16"));
        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(kept).contains("1_Pooling/config.json").containsAll(published.files());
        assertThat(said.err()).containsOnlyOnce("sentence-transformers also reads 2_Dense/model.safetensors");
        assertThat(published.leftOut()).containsExactly("2_Dense/model.safetensors");
        assertThat(kept).doesNotContainAnyElementsOf(published.leftOut());
        assertThat(filesOf(folder.resolve("out/onnx-int8"))).doesNotContain("modules.json");
    }

    private static SortedSet<String> filesOf(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            SortedSet<String> names = new TreeSet<>();
            files.filter(Files::isRegularFile)
                    .forEach(file -> names.add(folder.relativize(file).toString()));
            return names;
        }
    }
}
