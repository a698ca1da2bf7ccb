package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The quality that compress measures with '--evaluate'. */
final class CompressQualityTest extends CompressFixture {
    @Test
    void measuredQualityStandsInTheDocument() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(300));

        Said said = compress("--to", "gguf:Q8_0", "--evaluate", text.toString(), "--threads", "1", "--output", "json");

        assertThat(said.exitCode()).as(said.err()).isZero();
        JsonNode quality = new ObjectMapper().readTree(said.out()).at("/made/0/quality");
        assertThat(quality.path("perplexity").asDouble()).isPositive();
        assertThat(quality.path("kl-divergence").asDouble()).isBetween(0.0, 0.1);
        assertThat(quality.path("same-top-token").asDouble()).isBetween(0.8, 1.0);
        assertThat(folder.resolve("out/gguf-Q8_0.quality.json")).content().contains("perplexity");
    }

    /** Of many a model the GGUF file is all that there is. */
    @Test
    void aFolderThatDequantizeMadeIsMeasuredAgainstAndCalledSo() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(300));
        Path dense = folder.resolve("dense");
        assertThat(compress("--to", "gguf:Q8_0").err()).doesNotContain("was made by");
        Said made = Said.to(
                "dequantize", folder.resolve("out/gguf-Q8_0/model-Q8_0.gguf").toString(), "-o", dense.toString());
        assertThat(made.exitCode()).as(made.err()).isZero();

        Said said = Said.to(
                "compress",
                dense.toString(),
                "--to",
                "gguf:Q4_0",
                "--evaluate",
                text.toString(),
                "--threads",
                "1",
                "-o",
                folder.resolve("again").toString(),
                "--output",
                "json");

        assertThat(said.exitCode()).as(said.err()).isZero();
        assertThat(said.err()).contains(dense + " was made by 'dequantize'");
        assertThat(new ObjectMapper()
                        .readTree(said.out())
                        .at("/made/0/quality/perplexity")
                        .asDouble())
                .isPositive();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --length 64     | has 1110 bytes, too few for the 133 windows of 64 tokens
            --length 256    | --length is 256, expected 4 to 128, the model's longest context
            --sequences 5   | --sequences is 5, expected 66 or more: so many windows of 128 tokens
            """)
    void whatCannotBeMeasuredIsSaidBeforeAnyWork(String options, String message) throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "The mill turns while the water runs. ".repeat(30));

        Said said = compress(Stream.concat(
                        Stream.of("--to", "gguf:Q8_0", "--evaluate", text.toString()),
                        Stream.of(options.split(" ", -1)))
                .toArray(String[]::new));

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains(message);
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
