package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.checkpoint.BareModels;
import io.millrace.tensors.checkpoint.TinyModels;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A folder whose names lack the prefix of the body. */
class BareGgufTest {
    @Test
    void theFileIsThatOfTheSameModelWithThePrefix(@TempDir Path parent) throws Exception {
        Path whole = GgufModels.folder(parent, TinyModels.config("Qwen3ForCausalLM", "qwen3"));
        Path bare = BareModels.write(parent.resolve("bare").resolve(whole.getFileName()), whole);

        GgufModels.write(whole, GgufFileType.Q8_0, parent.resolve("whole.gguf"), 1);
        GgufModels.write(bare, GgufFileType.Q8_0, parent.resolve("bare.gguf"), 1);

        assertThat(parent.resolve("bare.gguf")).hasSameBinaryContentAs(parent.resolve("whole.gguf"));
    }
}
