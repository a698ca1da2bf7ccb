package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.tensors.format.onnx.OnnxType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The most likely tokens by our graphs in ONNX Runtime beside those that its generation library gave once for the same
 * folders, which it found by their genai_config.json. {@code src/test/golden/make_greedy_tokens.py} asked it; it takes
 * the folders that {@code -Dmillrace.golden=write} leaves in {@code target/greedy-models}.
 */
class GreedyTokensTest {
    private static final int PROMPT = 44;

    @TempDir
    static Path temporary;

    private static JsonNode golden = new ObjectMapper().createObjectNode();

    static Stream<OnnxModel> models() {
        return OnnxModel.all();
    }

    @BeforeAll
    static void readTheTokens() throws IOException {
        try (InputStream in =
                Objects.requireNonNull(GreedyTokensTest.class.getResourceAsStream("/greedy-tokens.json"))) {
            golden = new ObjectMapper().readTree(in);
        }
    }

    @ParameterizedTest
    @MethodSource("models")
    void theGenerationLibraryChoseTheSameTokens(OnnxModel model) throws Exception {
        Path folder = model.write(parent(), OnnxType.INT4);
        List<Integer> expected = new ArrayList<>();
        golden.at("/greedy/" + model.name()).forEach(token -> expected.add(token.asInt()));

        List<Integer> found = new ArrayList<>();
        try (OnnxDecoder decoder = new OnnxDecoder(folder)) {
            int[] input = Arrays.copyOf(GoldenLogits.TOKENS, PROMPT);
            while (found.size() < expected.size()) {
                float[][] logits = decoder.next(input);
                input = new int[] {largest(logits[logits.length - 1])};
                found.add(input[0]);
            }
        }

        assertThat(golden.path("prompt"))
                .hasToString(Arrays.toString(Arrays.copyOf(GoldenLogits.TOKENS, PROMPT))
                        .replace(" ", ""));
        assertThat(found).hasSizeGreaterThan(4).isEqualTo(expected);
    }

    private static Path parent() throws IOException {
        return "write".equals(System.getProperty("millrace.golden"))
                ? Files.createDirectories(Path.of("target", "greedy-models"))
                : temporary;
    }

    private static int largest(float[] logits) {
        int largest = 0;
        for (int i = 1; i < logits.length; i++) {
            largest = logits[i] > logits[largest] ? i : largest;
        }
        return largest;
    }
}
