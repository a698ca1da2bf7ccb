package io.millrace.models.llama;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.models.SyntheticTokenizer;
import io.millrace.models.TestModels;
import io.millrace.models.Tokenizer;
import io.millrace.tensors.Progress;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.GgufCompressor;
import io.millrace.tensors.format.gguf.GgufFileType;
import io.millrace.tensors.inspection.Dequantization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.Normalizer;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A thousand unpleasant strings: what llama.cpp makes of a GGUF's tokenizer is what tokenizer.json says, and so is what a
 * tokenizer.json says that was made of the GGUF again, and a GGUF of that folder.
 */
class HostileStringsTest {
    private static final long SEED = 31;
    private static final int STRINGS = 1000;
    private static final Pattern BEYOND_ASCII = Pattern.compile("\\p{M}|[\\p{Lu}\\p{Lt}\\p{Ll}&&[^\\x00-\\x7f]]");
    private static final String[] PIECES = {
        " ",
        "  ",
        "   ",
        "     ",
        "\n",
        "\r\n",
        "\n\n",
        "\n\n\n",
        "\t",
        " \n ",
        "\u00a0",
        "\u3000",
        "\u200b",
        "\u200d",
        "\ufeff",
        "1",
        "12",
        "1234",
        "56789",
        "３",
        "٣",
        "½",
        "Ⅷ",
        "the",
        "The",
        "THE",
        "then",
        "water",
        "naïve",
        "e\u0301",
        "Straße",
        "水",
        "日本語",
        "Привет",
        "العربية",
        "हिन्दी",
        "ไทย",
        "👍",
        "👍🏽",
        "👨‍👩‍👧",
        "🏳️‍🌈",
        "'s",
        "'S",
        "'ll",
        "'LL",
        "''",
        "\u2019s",
        "don't",
        "...",
        "?!\n",
        "!\r\n",
        "//",
        "/*",
        "\\",
        "<",
        ">",
        "<x>",
        "<0x41>",
        "▁",
        "▁▁",
        "Ġ",
        "ſ",
        "İ",
        "ǅ",
        "ʰ",
        "ª",
        "_",
        "-",
        "--",
        "#",
        "@x",
        "fooBar",
        "HTTPServer",
        "x²",
        "a.b",
        "\u0001",
        "\u007f",
        "\u0085",
        "\u2028",
        "<table>",
        "𝔘𝔫",
        "\udb40\udc41",
        "\ue000"
    };

    @TempDir
    Path folder;

    @BeforeAll
    static void skipWhereThereIsNoLibrary() throws IOException {
        LlamaPresence.require();
    }

    @ParameterizedTest
    @EnumSource
    void theTokenizersAgree(SyntheticTokenizer kind) throws Exception {
        System.out.println("seed " + SEED);
        int tokens = kind.write(Files.createDirectories(folder));
        TestModels.weightsFolder(
                folder,
                TestModels.weights(TestModels.config("LlamaForCausalLM", "llama", "\"vocab_size\": " + tokens), SEED));
        Path gguf = folder.resolve("model.gguf");
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            GgufCompressor.plan(checkpoint, GgufFileType.F32).write(gguf, 1, Progress.NONE);
        }

        Path dense = folder.resolve("dense");
        Dequantization.write(gguf, dense, Optional.empty(), Progress.NONE);
        Path back = folder.resolve("back.gguf");
        try (Checkpoint checkpoint = Checkpoint.open(dense)) {
            GgufCompressor.plan(checkpoint, GgufFileType.F32).write(back, 1, Progress.NONE);
        }

        SplittableRandom random = new SplittableRandom(SEED);
        List<String> pieces = pieces(kind);
        try (Tokenizer ours = Tokenizer.open(folder);
                Tokenizer rebuilt = Tokenizer.open(dense);
                LlamaModel theirs = LlamaModel.open(gguf, 32, 1, false);
                LlamaModel again = LlamaModel.open(back, 32, 1, false)) {
            String special = "the<s>water";
            assertThat(rebuilt.encode(special)).as("rebuilt, %s", special).isEqualTo(ours.encode(special));
            for (int i = 0; i < STRINGS; i++) {
                String text = text(random, kind, pieces);
                int[] expected = ours.encode(text);
                assertThat(theirs.tokenize(text, false)).as(quoted(text)).isEqualTo(expected);
                // The folder's add_bos_token is false, whatever llama.cpp does by default.
                assertThat(theirs.tokenize(text, true))
                        .as("around, %s", quoted(text))
                        .isEqualTo(expected);
                assertThat(rebuilt.encode(text)).as("rebuilt, %s", quoted(text)).isEqualTo(expected);
                assertThat(again.tokenize(text, false))
                        .as("again, %s", quoted(text))
                        .isEqualTo(expected);
            }
        }
    }

    /** Where words end by the case of letters, llama.cpp knows that of ASCII alone, and takes marks for no letters. */
    private static List<String> pieces(SyntheticTokenizer kind) {
        boolean byCase = kind == SyntheticTokenizer.TEKKEN || kind == SyntheticTokenizer.GPT_4O;
        return Stream.of(PIECES)
                .filter(piece -> !byCase || !BEYOND_ASCII.matcher(piece).find())
                .toList();
    }

    private static String text(SplittableRandom random, SyntheticTokenizer kind, List<String> pieces) {
        StringBuilder text = new StringBuilder();
        int count = 1 + random.nextInt(8);
        for (int i = 0; i < count; i++) {
            text.append(pieces.get(random.nextInt(pieces.size())));
        }
        if (kind == SyntheticTokenizer.LLAMA_2_METASPACE) {
            // Before a text that begins with a space llama.cpp puts another, which LostTokenization tells.
            return text.toString().replaceFirst("^[ \u2581]+", "");
        }
        // llama.cpp composes no characters, so it agrees on composed texts alone.
        return kind == SyntheticTokenizer.QWEN_2 ? Normalizer.normalize(text, Normalizer.Form.NFC) : text.toString();
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder();
        text.chars().forEach(c -> quoted.append(c >= ' ' && c < 127 ? (char) c : "\\u%04x".formatted(c)));
        return "'" + quoted + "'";
    }
}
