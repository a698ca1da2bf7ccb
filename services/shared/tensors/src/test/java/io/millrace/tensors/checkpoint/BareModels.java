package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Models as AutoModel saves them: nothing is named behind {@code model.}. */
public final class BareModels {
    private BareModels() {}

    /** Writes the model of a folder without the prefix; its head, if it has one, goes along. */
    public static Path write(Path folder, Path whole) throws IOException {
        try (Checkpoint source = Checkpoint.open(whole)) {
            ObjectNode config = source.config().json().deepCopy();
            String family = source.architecture().className().replace("ForCausalLM", "");
            config.putArray("architectures").add(family + (family.equals("Gemma3") ? "TextModel" : "Model"));
            List<TensorSpec> specs = source.tensors().stream()
                    .map(tensor -> new TensorSpec(name(tensor.name()), tensor.encoding(), tensor.shape()))
                    .toList();
            try (DenseWriter writer = DenseWriter.original(folder, config, specs)) {
                for (TensorSpec tensor : source.tensors()) {
                    writer.append(source.reader()
                            .rows(tensor.name(), 0, tensor.shape().rows()));
                }
                writer.finish();
            }
            source.copyCompanions(folder);
        }
        return folder;
    }

    public static String name(String whole) {
        return whole.startsWith("model.") ? whole.substring("model.".length()) : whole;
    }
}
