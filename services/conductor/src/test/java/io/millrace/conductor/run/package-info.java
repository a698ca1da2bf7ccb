/** Tests of the pure decisions. */
@NullMarked
package io.millrace.conductor.run;

import org.jspecify.annotations.NullMarked;
