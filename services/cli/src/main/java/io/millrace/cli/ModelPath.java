package io.millrace.cli;

import io.millrace.client.LoraAdapter;
import io.millrace.tensors.format.gguf.GgufPartName;
import io.millrace.tensors.inspection.ModelFormats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A file or folder that is to be a model of any format. */
final class ModelPath {
    private ModelPath() {}

    /** Names a LoRA adapter that lies in a folder without a model, in which one might look for damage. */
    static void require(Path model) throws IOException {
        Optional<LoraAdapter> adapter = LoraAdapter.in(model).filter(LoraAdapter::alone);
        if (adapter.isPresent() && ModelFormats.onnx(model).isEmpty() && !holdsGguf(model)) {
            throw new CommandFailure(ExitCode.REFUSED, adapter.get().refusal());
        }
    }

    private static boolean holdsGguf(Path folder) throws IOException {
        try (var files = Files.newDirectoryStream(folder, "*" + GgufPartName.ENDING)) {
            return files.iterator().hasNext();
        }
    }
}
