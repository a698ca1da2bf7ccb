package io.millrace.tensors.format.gguf.tokenizer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** After how many others each token of a vocabulary is first made by a merge. */
final class MergeRanks {
    private static final int NEVER = -1;

    private final int[] ranks;
    private int made;

    private MergeRanks(int tokens) {
        this.ranks = new int[tokens];
        Arrays.fill(ranks, NEVER);
    }

    static MergeRanks of(TokenizerJson tokenizer) {
        MergeRanks ranks = new MergeRanks(tokenizer.tokens().size());
        ranks.count(tokenizer.tokens(), tokenizer.merges());
        return ranks;
    }

    /** Of the token that stands at this place of the vocabulary; last where no merge makes it. */
    int of(int index) {
        return ranks[index] == NEVER ? made : ranks[index];
    }

    private void count(List<String> tokens, List<String> merges) {
        Map<String, Integer> places = HashMap.newHashMap(tokens.size());
        for (int i = 0; i < tokens.size(); i++) {
            places.put(tokens.get(i), i);
        }
        // What a sound tokenizer's merges make are tokens, so there are none of these.
        Set<String> others = new HashSet<>();
        for (String merge : merges) {
            String text = merge.replace(" ", "");
            Integer place = places.get(text);
            if (place == null) {
                made += others.add(text) ? 1 : 0;
            } else if (ranks[place] == NEVER) {
                ranks[place] = made++;
            }
        }
    }
}
