package io.millrace.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerFitTest {
    @TempDir
    Path folder;

    /** Qwen 2.5, DeepSeek V2, Command R, and a small model that is padded to a multiple of 256. */
    @ParameterizedTest
    @CsvSource({"151665,152064", "100002,102400", "255033,256000", "300,512", "512,512"})
    void paddedVocabulariesAreTheModelsOwn(int pieces, int rows) throws IOException {
        write(pieces(0, pieces), "");

        assertThat(TokenizerFit.doubt(folder, rows)).isEmpty();
    }

    /** Llama 2's in Llama 3, GPT-2's in Qwen 2, and a small one's. */
    @ParameterizedTest
    @CsvSource({"32000,128256", "50257,151936", "256,512"})
    void aTokenizerOfFarFewerTokensIsDoubted(int pieces, int rows) throws IOException {
        write(pieces(0, pieces), "");

        assertThat(TokenizerFit.doubt(folder, rows))
                .hasValueSatisfying(doubt -> assertThat(doubt)
                        .endsWith("tokenizer.json: knows " + pieces + " tokens, but the embedding has " + rows
                                + " rows; is it this model's own tokenizer?"));
    }

    @Test
    void addedTokensCountOnce() throws IOException {
        write(
                pieces(0, 700),
                added(699) + ","
                        + IntStream.range(700, 1000)
                                .mapToObj(TokenizerFitTest::added)
                                .collect(Collectors.joining(",")));

        assertThat(TokenizerFit.doubt(folder, 1255)).isEmpty();
        assertThat(TokenizerFit.doubt(folder, 1256)).isPresent();
    }

    @Test
    void aPieceWithoutARowIsRefused() throws IOException {
        write(pieces(0, 513), "");

        assertThatThrownBy(() -> TokenizerFit.doubt(folder, 512))
                .isInstanceOfSatisfying(
                        RefusedCheckpointException.class,
                        refused -> assertThat(refused.reason()).isEqualTo(Reason.MALFORMED_CHECKPOINT))
                .hasMessageEndingWith(
                        "tokenizer.json: token 'p512' with id 512, but the embedding has 512 rows; put the"
                                + " model's own tokenizer there");
    }

    @Test
    void aUnigramPiecesPlaceIsItsId() throws IOException {
        Files.writeString(
                folder.resolve("tokenizer.json"),
                "{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\", 0], [\"b\", -1.5], [\"c\", -2]]}}");

        assertThat(TokenizerFit.doubt(folder, 3)).isEmpty();
        assertThatThrownBy(() -> TokenizerFit.doubt(folder, 2)).hasMessageContaining("with id 2");
    }

    /** Trainers add one for padding, and Gemma 3 of text alone has one for images. */
    @Test
    void addedTokensWithoutARowAreSaid() throws IOException {
        write(pieces(0, 512), added(512) + "," + added(513));

        assertThat(TokenizerFit.doubt(folder, 512))
                .hasValueSatisfying(doubt -> assertThat(doubt)
                        .endsWith("tokenizer.json: 2 added token(s), first '<512>' with id 512, have no row in the"
                                + " embedding of 512; a text with them is not for this model"));
    }

    /** Some files list an added token among the pieces, too. */
    @Test
    void anAddedTokenAmongThePiecesIsNoPieceWithoutARow() throws IOException {
        write(pieces(0, 513), added(512));

        assertThat(TokenizerFit.doubt(folder, 512)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "[]", "{", "{}", "{\"model\": {\"vocab\": {\"a\": \"x\"}}}", "{\"model\": {\"vocab\": [1"})
    void whatIsNoTokenizerIsLeftToTheStages(String json) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), json);

        assertThat(TokenizerFit.doubt(folder, 4096)).isEmpty();
    }

    @Test
    void openingACheckpointSaysAndRefusesIt() throws IOException {
        Path small = Checkpoints.small(folder.resolve("c"));
        assertThat(CheckpointFolder.open(small).doubt()).isEmpty();
        Files.writeString(small.resolve("tokenizer.json"), json(pieces(0, 4), added(4)));
        assertThat(CheckpointFolder.open(small).doubt()).isPresent();
        Files.writeString(small.resolve("tokenizer.json"), json(pieces(0, 5), ""));

        assertThatThrownBy(() -> CheckpointFolder.open(small)).hasMessageContaining("'p4' with id 4");
    }

    @Test
    void openingACheckpointWithoutOneSaysSo() throws IOException {
        Path small = Checkpoints.small(folder.resolve("c"));
        Files.delete(small.resolve("tokenizer.json"));

        assertThat(CheckpointFolder.open(small).doubt().orElseThrow())
                .startsWith(small.resolve("tokenizer.json") + ": is missing, and no text can be measured without it");
    }

    private void write(String pieces, String added) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), json(pieces, added));
    }

    private static String json(String pieces, String added) {
        return "{\"truncation\": null, \"added_tokens\": [" + added + "], \"model\": {\"type\": \"BPE\", \"vocab\": {"
                + pieces + "}, \"merges\": [[\"a\", \"b\"]]}}";
    }

    private static String pieces(int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(id -> "\"p" + id + "\": " + id)
                .collect(Collectors.joining(","));
    }

    private static String added(int id) {
        return "{\"id\": " + id + ", \"special\": true, \"content\": \"<" + id + ">\"}";
    }
}
