package io.millrace.tensors.format.gguf.tokenizer;

import java.util.BitSet;
import java.util.Collection;

/**
 * How long the pieces of a vocabulary are. To look up both parts of a text at each place where it may be cut takes time
 * that grows with the square of its length, and a hostile file has pieces of megabytes: most cuts are ruled out by this.
 */
final class PieceLengths {
    private final BitSet lengths = new BitSet();

    PieceLengths(Collection<String> pieces) {
        pieces.forEach(piece -> lengths.set(piece.length()));
    }

    /** Whether pieces are as long as the text's parts before and from that place on. */
    boolean allow(String text, int at) {
        return lengths.get(at) && lengths.get(text.length() - at);
    }
}
