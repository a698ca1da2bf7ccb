/** Tests of the conductor that need a broker, which this module has. */
@NullMarked
package io.millrace.conductor;

import org.jspecify.annotations.NullMarked;
