/**
 * llama.cpp through java.lang.foreign: the runtime that executes GGUF files on a CPU. Its assertions and exceptions end
 * the process, so {@link io.millrace.models.llama.LlamaModel} belongs in a child JVM that
 * {@link io.millrace.models.llama.LlamaProcess} starts and watches; nothing else here should run beside work that must
 * survive.
 */
@NullMarked
package io.millrace.models.llama;

import org.jspecify.annotations.NullMarked;
