package io.millrace.tensors.format.gguf.tokenizer;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** After how many others each token of a vocabulary is first made by a merge. Sorted: maps would take ten times as much memory. */
final class MergeRanks {
    private static final int NEVER = -1;

    private final String[] sorted;
    private final int[] ranks;
    private int made;

    private MergeRanks(List<String> tokens) {
        this.sorted = tokens.toArray(String[]::new);
        Arrays.sort(sorted);
        this.ranks = new int[sorted.length];
        Arrays.fill(ranks, NEVER);
    }

    static MergeRanks of(TokenizerJson tokenizer) {
        return of(tokenizer.tokens(), tokenizer.merges());
    }

    static MergeRanks of(List<String> tokens, List<String> merges) {
        MergeRanks ranks = new MergeRanks(tokens);
        ranks.count(merges);
        return ranks;
    }

    /** Of a token of the vocabulary; last where no merge makes it. */
    int of(String token) {
        int rank = ranks[Arrays.binarySearch(sorted, token)];
        return rank == NEVER ? made : rank;
    }

    /** Whether the vocabulary has the token. */
    boolean knows(String token) {
        return Arrays.binarySearch(sorted, token) >= 0;
    }

    /** Whether a merge makes this token of the vocabulary. */
    boolean make(String token) {
        return ranks[Arrays.binarySearch(sorted, token)] != NEVER;
    }

    private void count(List<String> merges) {
        // Of pairs whose parts hold spaces alone: what other merges make are tokens.
        Set<String> others = new HashSet<>();
        for (String merge : merges) {
            String text = merge.replace(" ", "");
            int place = Arrays.binarySearch(sorted, text);
            if (place < 0) {
                made += others.add(text) ? 1 : 0;
            } else if (ranks[place] == NEVER) {
                ranks[place] = made++;
            }
        }
    }
}
