package io.millrace.tensors.format.gguf.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PieceMergesTest {
    /** To look up both parts wherever it may be cut would take days for a piece of megabytes. */
    @Test
    void aLongPieceIsCutOnlyWhereItsPartsAreAsLongAsPieces() {
        String most = "ab".repeat(5000);
        List<String> texts = List.of("a", "b", "ab", most, most + "a");
        AtomicInteger lookups = new AtomicInteger();
        Map<String, Integer> vocabulary = new LinkedHashMap<>() {
            private static final long serialVersionUID = 1;

            @Override
            public Integer get(Object piece) {
                lookups.incrementAndGet();
                return super.get(piece);
            }
        };
        for (int id = 0; id < texts.size(); id++) {
            vocabulary.put(texts.get(id), id);
        }

        List<String> merges = PieceMerges.of(texts, vocabulary, List.of(0f, 0f, -1f, -2f, -3f));

        assertThat(merges).containsExactly("a b", most + " a");
        assertThat(lookups).hasValueLessThan(10);
    }
}
