package io.millrace.distiller;

import io.millrace.models.CausalLanguageModel;
import io.millrace.tensors.DType;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import java.io.IOException;
import java.nio.file.Path;

/** Writes a trained student as a Hugging Face folder. */
final class StudentFolder {
    private StudentFolder() {}

    /** F32 when another step follows, so that nothing is rounded twice; the checkpoint's own type for a product. */
    static void write(Path output, Checkpoint source, CausalLanguageModel student, boolean product) throws IOException {
        DType type = product ? source.type() : DType.F32;
        try (DenseWriter writer =
                DenseWriter.derived(output, source, source.config().json(), student.specs(type), "distill")) {
            student.write(writer);
            writer.finish();
        }
    }
}
