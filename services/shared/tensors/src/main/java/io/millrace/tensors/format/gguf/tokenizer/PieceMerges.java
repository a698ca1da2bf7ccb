package io.millrace.tensors.format.gguf.tokenizer;

import io.millrace.tensors.format.gguf.PackedTexts;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The merges of a SentencePiece BPE from its pieces and their scores, as transformers derives them: each way to make a
 * piece of two others, those of high score first, longer parts before shorter ones, then in the order of the parts' ids.
 */
final class PieceMerges {
    private record Merge(int left, int right, float score) {}

    private final List<String> texts;
    private final Map<String, Integer> vocabulary;
    private final PieceLengths lengths;
    private final List<Merge> merges = new ArrayList<>();

    private PieceMerges(List<String> texts, Map<String, Integer> vocabulary) {
        this.texts = texts;
        this.vocabulary = vocabulary;
        this.lengths = new PieceLengths(vocabulary.keySet());
    }

    /**
     * As "left right".
     *
     * @param texts of all tokens
     * @param vocabulary the ids of those that merges may make and join
     */
    static PackedTexts of(List<String> texts, Map<String, Integer> vocabulary, List<Float> scores) {
        PieceMerges merges = new PieceMerges(texts, vocabulary);
        vocabulary.forEach((piece, id) -> merges.addWays(piece, scores.get(id)));
        return merges.sorted();
    }

    private PackedTexts sorted() {
        merges.sort(Comparator.comparingDouble((Merge merge) -> -merge.score())
                .thenComparingInt(merge -> -length(merge.left()))
                .thenComparingInt(merge -> -length(merge.right())));
        PackedTexts.Builder sorted = new PackedTexts.Builder();
        for (Merge merge : merges) {
            sorted.add(texts.get(merge.left()) + " " + texts.get(merge.right()));
        }
        return sorted.build();
    }

    private int length(int id) {
        String text = texts.get(id);
        return text.codePointCount(0, text.length());
    }

    private void addWays(String piece, float score) {
        List<Merge> ways = new ArrayList<>();
        for (int at = piece.offsetByCodePoints(0, piece.isEmpty() ? 0 : 1);
                at < piece.length();
                at = piece.offsetByCodePoints(at, 1)) {
            if (!lengths.allow(piece, at)) {
                continue;
            }
            Integer left = vocabulary.get(piece.substring(0, at));
            Integer right = vocabulary.get(piece.substring(at));
            if (left != null && right != null) {
                ways.add(new Merge(left, right, score));
            }
        }
        ways.sort(Comparator.comparingInt(Merge::left).thenComparingInt(Merge::right));
        merges.addAll(ways);
    }
}
