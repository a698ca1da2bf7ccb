package io.millrace.models;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.gguf.tokenizer.TokenFlags;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The tokenizer of a checkpoint folder ({@code tokenizer.json}, and {@code tokenizer_config.json} if there is one).
 * Nothing is cut, nothing is padded, and no special token appears unless the caller puts it there.
 */
public final class Tokenizer implements AutoCloseable {
    /**
     * The native library takes 85 to 215 bytes of memory for each byte of a text, as measured with the tokenizers of Llama
     * 3, Qwen 3 and Gemma 3, and where there are none it ends the process: so 7 GB at most.
     */
    public static final long LONGEST_TEXT_BYTES = 32L << 20;

    /** Of the heap, for each byte of a text: the text, and a token as a long and twice as an int; with some room. */
    private static final long HEAP_BYTES = 24;

    private static final long CONFIG_LIMIT_BYTES = 64L << 20;

    private final HuggingFaceTokenizer tokenizer;
    private final OptionalInt beginToken;

    private Tokenizer(HuggingFaceTokenizer tokenizer, OptionalInt beginToken) {
        this.tokenizer = tokenizer;
        this.beginToken = beginToken;
    }

    public static Tokenizer open(Path folder) throws IOException {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.isRegularFile(file)) {
            throw new MalformedFileException(
                    file,
                    -1,
                    "missing, and no text can be measured without it; publish the checkpoint with its tokenizer");
        }
        TensorRuntime.stayOffline();
        HuggingFaceTokenizer tokenizer = load(file);
        try {
            return new Tokenizer(tokenizer, beginToken(tokenizer, folder));
        } catch (IOException | RuntimeException problem) {
            tokenizer.close();
            throw problem;
        }
    }

    private static HuggingFaceTokenizer load(Path file) throws IOException {
        try {
            return HuggingFaceTokenizer.builder()
                    .optTokenizerPath(file)
                    .optAddSpecialTokens(false)
                    .optTruncation(false)
                    .optPadding(false)
                    .build();
        } catch (RuntimeException e) {
            // The native library's only way to say that it does not understand the file.
            throw new MalformedFileException(
                    file, -1, "no tokenizer that can be read (" + e.getMessage() + "); copy the file again");
        }
    }

    /** Why a text of so many bytes cannot be encoded in this process; empty if it can. */
    public static Optional<String> refusal(long textBytes) {
        return refusal(textBytes, Runtime.getRuntime().maxMemory());
    }

    static Optional<String> refusal(long textBytes, long heapBytes) {
        if (textBytes > LONGEST_TEXT_BYTES) {
            return Optional.of("has " + textBytes + " bytes, but a text may have " + LONGEST_TEXT_BYTES
                    + " at most; cut it, for example with 'head -n'");
        }
        if (textBytes > heapBytes / HEAP_BYTES) {
            return Optional.of("has " + textBytes + " bytes, but a heap of " + (heapBytes >> 20) + " MiB is enough for "
                    + heapBytes / HEAP_BYTES + "; cut it, or give the process more, such as MILLRACE_JAVA_OPTS=-Xmx"
                    + Math.ceilDiv(textBytes * HEAP_BYTES, 1L << 30) + "g");
        }
        return Optional.empty();
    }

    /** Token ids of a text, without special tokens. */
    public int[] encode(String text) {
        // The library would abort the process.
        refusal(text.getBytes(StandardCharsets.UTF_8).length).ifPresent(why -> {
            throw new IllegalArgumentException("the text " + why);
        });
        // Of what the library knows of a token only this: all the rest takes ten times the heap.
        long encoding = TokenizersLibrary.LIB.encode(tokenizer.getHandle(), text, false);
        try {
            return Arrays.stream(TokenizersLibrary.LIB.getTokenIds(encoding))
                    .mapToInt(Math::toIntExact)
                    .toArray();
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    public String decode(int[] tokens) {
        return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
    }

    /** The token that serving puts before every text (BOS); empty if this tokenizer adds none. */
    public OptionalInt beginToken() {
        return beginToken;
    }

    /**
     * {@code add_bos_token} of tokenizer_config.json decides where it is given and {@link TokenFlags} count, as in the
     * reference implementation; else what tokenizer.json itself puts before a text.
     */
    private static OptionalInt beginToken(HuggingFaceTokenizer tokenizer, Path folder) throws IOException {
        Path configFile = folder.resolve("tokenizer_config.json");
        if (Files.isRegularFile(configFile)) {
            JsonNode config = StrictJson.readFile(configFile, CONFIG_LIMIT_BYTES);
            JsonNode wanted = config.path("add_bos_token");
            if (wanted.isBoolean() && TokenFlags.decide(folder)) {
                return wanted.booleanValue()
                        ? named(tokenizer, config.path("bos_token"), configFile)
                        : OptionalInt.empty();
            }
        }
        long[] plain = tokenizer.encode("a", false, false).getIds();
        long[] dressed = tokenizer.encode("a", true, false).getIds();
        boolean added = dressed.length > plain.length && dressed[0] != plain[0];
        return added ? OptionalInt.of(Math.toIntExact(dressed[0])) : OptionalInt.empty();
    }

    private static OptionalInt named(HuggingFaceTokenizer tokenizer, JsonNode token, Path configFile)
            throws IOException {
        String text = token.isTextual() ? token.asText() : token.path("content").asText("");
        long[] ids = text.isEmpty()
                ? new long[0]
                : tokenizer.encode(text, false, false).getIds();
        if (ids.length != 1) {
            throw new MalformedFileException(
                    configFile,
                    -1,
                    "add_bos_token is true but bos_token '" + text + "' is not one token of tokenizer.json");
        }
        return OptionalInt.of(Math.toIntExact(ids[0]));
    }

    @Override
    public void close() {
        tokenizer.close();
        NativeHeap.giveBack();
    }
}
