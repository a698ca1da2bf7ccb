package io.millrace.models;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** A small trained model that lies beside some checkouts; tests that want it are skipped where it does not. */
public final class TrainedModel {
    private TrainedModel() {}

    public static Path folder() {
        Path module = Path.of("").toAbsolutePath();
        for (Path above = module; above != null; above = above.getParent()) {
            Path folder = above.resolve("shared/models/stories260K");
            if (Files.isRegularFile(folder.resolve("model.safetensors"))) {
                return folder;
            }
        }
        String reason = "skipped: no shared/models/stories260K beside the repository";
        System.out.println(reason);
        Assumptions.abort(reason);
        throw new IllegalStateException(reason);
    }
}
