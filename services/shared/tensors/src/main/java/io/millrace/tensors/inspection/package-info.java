/**
 * Models of any format: what is in them, and back again to a dense folder. What is shown comes from headers and
 * configuration alone, so that also a model whose architecture or scheme nothing here computes can be looked at.
 */
@NullMarked
package io.millrace.tensors.inspection;

import org.jspecify.annotations.NullMarked;
