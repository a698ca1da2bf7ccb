package io.millrace.models;

import io.millrace.tensors.MalformedFileException;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/**
 * A text as token ids, and how pieces of it are shown to a model: where the tokenizer adds a begin token, that token
 * takes the first place of each piece.
 *
 * @param tokens the text; not copied and not changed
 */
@SuppressWarnings("ArrayRecordComponent")
public record TokenStream(int[] tokens, OptionalInt beginToken) {
    public static TokenStream of(Tokenizer tokenizer, String text) {
        int[] plain = tokenizer.encode(text);
        if (tokenizer.beginToken().isEmpty()) {
            return new TokenStream(plain, OptionalInt.empty());
        }
        int[] withBegin = new int[plain.length + 1];
        withBegin[0] = tokenizer.beginToken().getAsInt();
        System.arraycopy(plain, 0, withBegin, 1, plain.length);
        return new TokenStream(withBegin, tokenizer.beginToken());
    }

    /** Refuses tokens that a model has no row for: its tokenizer is that of another model. */
    public void requireBelow(int vocabularySize) throws MalformedFileException {
        int largest = Arrays.stream(tokens).max().orElse(0);
        if (largest >= vocabularySize) {
            throw new MalformedFileException(
                    "tokenizer.json",
                    -1,
                    "turns the text into token " + largest + ", but the model has " + vocabularySize
                            + " tokens; publish the checkpoint with the tokenizer that it was trained with");
        }
    }

    /** How many windows of {@code length} tokens the text has without overlap. */
    public int windows(int length) {
        return tokens.length / length;
    }

    /** Window {@code index} of those without overlap, as llama-perplexity cuts them: its first token gives way to BOS. */
    public int[] window(int index, int length) {
        return piece(index * length, length);
    }

    /** {@code count} pieces of {@code length} tokens at random places; the same seed and step give the same pieces. */
    public int[][] batch(long seed, long step, int count, int length) {
        if (tokens.length < length) {
            throw new IllegalArgumentException(
                    "the text has " + tokens.length + " tokens; pieces of " + length + " need at least that many");
        }
        // One generator per step, so that step 500 is the same whether or not steps 1 to 499 ran in this process.
        SplittableRandom random = new SplittableRandom(seed * 0x9E3779B97F4A7C15L + step);
        int[][] pieces = new int[count][];
        for (int i = 0; i < count; i++) {
            pieces[i] = piece(random.nextInt(tokens.length - length + 1), length);
        }
        return pieces;
    }

    private int[] piece(int from, int length) {
        int[] piece = Arrays.copyOfRange(tokens, from, from + length);
        beginToken.ifPresent(begin -> piece[0] = begin);
        return piece;
    }
}
