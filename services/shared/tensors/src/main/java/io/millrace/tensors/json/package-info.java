/** Reads the JSON files of a model folder as hostile input: bounded, strict UTF-8, no duplicate keys, nothing after it. */
@NullMarked
package io.millrace.tensors.json;

import org.jspecify.annotations.NullMarked;
