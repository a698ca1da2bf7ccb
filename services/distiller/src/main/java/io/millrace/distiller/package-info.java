/**
 * The distill stage: trains the incoming model to answer as the original does. The training itself is in the models
 * module; this module decides what is saved, resumed and written.
 */
@NullMarked
package io.millrace.distiller;

import org.jspecify.annotations.NullMarked;
