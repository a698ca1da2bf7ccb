/**
 * What the names in a checkpoint mean: the numbers of config.json and, for each family of models, which tensors exist,
 * what shape and role each has, and what it is called in GGUF. An architecture is data; adding one touches no format,
 * kernel or stage.
 */
@NullMarked
package io.millrace.tensors.architecture;

import org.jspecify.annotations.NullMarked;
