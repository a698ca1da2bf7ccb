/** Tests of back-off and deadlines. */
@NullMarked
package io.millrace.conductor.timers;

import org.jspecify.annotations.NullMarked;
