package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Kind;
import io.millrace.tensors.format.gguf.tokenizer.Vocabulary.Token;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentencePieceModelTest {
    private static final Token UNKNOWN = new Token("<unk>", 0, Kind.UNKNOWN);

    @TempDir
    private Path folder;

    /** The bytes are those that sentencepiece 0.2.3 writes of these fields. */
    @Test
    void theFileIsTheLibrarysOwn() {
        List<Token> tokens = List.of(
                new Token("<unk>", -1000, Kind.CONTROL),
                new Token("\u2581a", -1.5f, Kind.NORMAL),
                new Token("  ", -1000, Kind.USER_DEFINED),
                new Token("<s>", -1000, Kind.CONTROL));

        Optional<byte[]> content = new SentencePieceModel(tokens, Map.of("unknown", 0, "bos", 3), true).content();

        assertThat(content.map(HexFormat.of()::formatHex))
                .hasValue("0a0e0a053c756e6b3e1500007ac418020a0b0a04e2968161150000c0bf0a0f0a06e29681e2968115"
                        + "0000000018040a0c0a033c733e1500007ac41803123318022004980200c00200c80203d002ffffff"
                        + "ffffffffffff01d802ffffffffffffffffff01ea02053c756e6b3ef202033c733e1a100a08696465"
                        + "6e74697479180120002801");
    }

    @Test
    void itsPiecesAreReadBackAndAllBytesStandForWhatNoPieceSpells() throws Exception {
        List<Token> tokens = withBytes(256);

        Path file = folder.resolve("tokenizer.model");
        Files.write(file, content(tokens).orElseThrow());

        assertThat(SentencePieceFile.read(file).pieces()).isEqualTo(tokens);
    }

    /** The library does not open a file of these. */
    @Test
    void whatWouldBeAnotherTokenizerIsNotMade() {
        assertThat(content(withBytes(0))).isPresent();
        assertThat(content(withBytes(255))).isEmpty();
        assertThat(content(List.of(new Token("a", 0, Kind.NORMAL)))).isEmpty();
        assertThat(content(List.of(UNKNOWN, new Token("", 0, Kind.NORMAL)))).isEmpty();
        Token spaces = new Token("  ", 0, Kind.USER_DEFINED);
        assertThat(content(List.of(UNKNOWN, spaces))).isPresent();
        assertThat(content(List.of(UNKNOWN, spaces, new Token("\u2581\u2581", -1, Kind.NORMAL))))
                .isEmpty();
    }

    @Test
    void ofSeveralUnknownTokensTheNamedOneIsKept() throws Exception {
        Token other = new Token("<other>", 0, Kind.UNKNOWN);
        assertThat(content(List.of(UNKNOWN, other))).isEmpty();

        Path file = folder.resolve("tokenizer.model");
        Files.write(
                file,
                new SentencePieceModel(List.of(UNKNOWN, other), Map.of("unknown", 1), false)
                        .content()
                        .orElseThrow());

        assertThat(SentencePieceFile.read(file).pieces())
                .extracting(Token::kind)
                .containsExactly(Kind.CONTROL, Kind.UNKNOWN);
    }

    private static Optional<byte[]> content(List<Token> tokens) {
        return new SentencePieceModel(tokens, Map.of(), false).content();
    }

    private static List<Token> withBytes(int count) {
        List<Token> tokens = new ArrayList<>(List.of(UNKNOWN, new Token("a", -1, Kind.NORMAL)));
        IntStream.range(0, count)
                .mapToObj(value -> new Token("<0x%02X>".formatted(value), 0, Kind.BYTE))
                .forEach(tokens::add);
        tokens.add(new Token("[PAD9]", -10000, Kind.UNUSED));
        return tokens;
    }
}
