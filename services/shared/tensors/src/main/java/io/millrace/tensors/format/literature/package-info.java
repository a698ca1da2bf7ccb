/**
 * Schemes of the literature as a dense model folder that any loader takes, with the codes and scales beside it in a folder
 * of their own, which no loader looks into. No engine computes with these codes: what they are worth is measured on the
 * dense values.
 */
@NullMarked
package io.millrace.tensors.format.literature;

import org.jspecify.annotations.NullMarked;
