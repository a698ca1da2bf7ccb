package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people are told of a tokenizer that is not the model's own, before any work. */
final class ForeignTokenizerCommandTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TempDir
    private Path folder;

    @Test
    void aPieceWithoutARowInTheEmbeddingIsRefused() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));
        ObjectNode tokenizer = tokenizer(model);
        ((ObjectNode) tokenizer.path("model").path("vocab")).put("more", 256);
        JSON.writeValue(model.resolve("tokenizer.json").toFile(), tokenizer);

        Said said = compress(model);

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.REFUSED);
        assertThat(said.err()).contains("token 'more' with id 256, but the embedding has 256 rows");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void anAddedTokenWithoutARowIsSaidOnce() throws IOException {
        Path model = RandomModel.write(folder.resolve("model"));
        ObjectNode tokenizer = tokenizer(model);
        tokenizer.withArray("added_tokens").addObject().put("id", 256).put("content", "<pad>");
        JSON.writeValue(model.resolve("tokenizer.json").toFile(), tokenizer);

        Said said = compress(model);

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err().split("'<pad>' with id 256, have no row", -1))
                .as(said.err())
                .hasSize(2);
    }

    private static ObjectNode tokenizer(Path model) throws IOException {
        return (ObjectNode) JSON.readTree(model.resolve("tokenizer.json").toFile());
    }

    private Said compress(Path model) {
        return Said.to(
                "compress",
                model.toString(),
                "--to=compressed-tensors:W8A16",
                "--to=compressed-tensors:FP8_DYNAMIC",
                "-o",
                folder.resolve("out").toString());
    }
}
