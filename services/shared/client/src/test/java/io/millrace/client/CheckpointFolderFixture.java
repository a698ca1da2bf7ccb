package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;

/** Folders with small checkpoints, and how one is refused. */
abstract class CheckpointFolderFixture {
    @TempDir
    Path temp;

    Path sharded(Map<String, String> weightMap) throws IOException {
        Path folder = Checkpoints.small(temp.resolve("sharded"));
        Files.deleteIfExists(folder.resolve("model.safetensors"));
        Checkpoints.safetensors(
                folder.resolve("model-1.safetensors"),
                "{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        Checkpoints.safetensors(
                folder.resolve("model-2.safetensors"),
                "{\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                4);
        StringBuilder map = new StringBuilder();
        weightMap.forEach(
                (tensor, file) -> map.append(map.isEmpty() ? "" : ",").append("\"" + tensor + "\":\"" + file + "\""));
        Files.writeString(folder.resolve(Weights.INDEX), "{\"weight_map\":{" + map + "}}");
        return folder;
    }

    static void refused(Path folder, Reason reason, String message) {
        assertThatThrownBy(() -> CheckpointFolder.open(folder))
                .isInstanceOfSatisfying(
                        RefusedCheckpointException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason))
                .hasMessageContaining(message)
                .hasMessageContaining(String.valueOf(folder.getFileName()));
    }
}
