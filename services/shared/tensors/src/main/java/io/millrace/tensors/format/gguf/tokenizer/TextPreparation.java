package io.millrace.tensors.format.gguf.tokenizer;

import java.util.Optional;

/**
 * What SentencePiece does to a text before it looks for pieces.
 *
 * @param prefix whether it puts a space before the text
 * @param removesSpaces whether it removes those at the ends, and all but one where several are
 * @param form the name of the form that it brings the text into, {@code nmt_nfkc} for example, where that changes anything
 */
record TextPreparation(boolean prefix, boolean removesSpaces, Optional<String> form) {
    /** Where the file says nothing, as the library has it. */
    static final TextPreparation DEFAULT = new TextPreparation(true, true, Optional.empty());

    /** What llama.cpp does unless a key says otherwise. */
    static final TextPreparation OF_LLAMA = new TextPreparation(true, false, Optional.empty());
}
