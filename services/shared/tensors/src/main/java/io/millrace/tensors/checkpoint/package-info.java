/**
 * A model folder as Hugging Face writes it: opened safely, checked against what its architecture demands, and written
 * again by the stages that change it. Nothing in a folder is executed and no name in it leads outside.
 */
@NullMarked
package io.millrace.tensors.checkpoint;

import org.jspecify.annotations.NullMarked;
