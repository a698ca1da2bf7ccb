package io.millrace.tensors.format.gguf.tokenizer;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The merges of a SentencePiece BPE from its pieces and their scores, as transformers derives them: each way to make a
 * piece of two others, those of high score first, longer parts before shorter ones, then in the order of the parts' ids.
 */
final class PieceMerges {
    private record Merge(String left, String right, float score, int leftId, int rightId) {}

    private static final Comparator<Merge> ORDER = Comparator.comparingDouble((Merge merge) -> -merge.score())
            .thenComparingInt(
                    merge -> -merge.left().codePointCount(0, merge.left().length()))
            .thenComparingInt(
                    merge -> -merge.right().codePointCount(0, merge.right().length()));

    private PieceMerges() {}

    /** As "left right". */
    static List<String> of(Map<String, Integer> vocabulary, List<Float> scores) {
        List<Merge> merges = new ArrayList<>();
        for (Map.Entry<String, Integer> piece : vocabulary.entrySet()) {
            List<Merge> ways = ways(piece.getKey(), scores.get(piece.getValue()), vocabulary);
            ways.sort(Comparator.comparingInt(Merge::leftId).thenComparingInt(Merge::rightId));
            merges.addAll(ways);
        }
        merges.sort(ORDER);
        return merges.stream().map(merge -> merge.left() + " " + merge.right()).toList();
    }

    private static List<Merge> ways(String piece, float score, Map<String, Integer> vocabulary) {
        List<Merge> ways = new ArrayList<>();
        for (int at = piece.offsetByCodePoints(0, piece.isEmpty() ? 0 : 1);
                at < piece.length();
                at = piece.offsetByCodePoints(at, 1)) {
            String left = piece.substring(0, at);
            String right = piece.substring(at);
            Integer leftId = vocabulary.get(left);
            Integer rightId = vocabulary.get(right);
            if (leftId != null && rightId != null) {
                ways.add(new Merge(left, right, score, leftId, rightId));
            }
        }
        return ways;
    }
}
