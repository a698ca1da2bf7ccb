/**
 * A checkpoint's tokenizer as GGUF metadata. A wrong guess here gives a model that loads and silently answers worse, so
 * whatever is not recognized exactly is refused.
 */
@NullMarked
package io.millrace.tensors.format.gguf.tokenizer;

import org.jspecify.annotations.NullMarked;
