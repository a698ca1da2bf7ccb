/** A door to the command tree, which its package keeps to itself. */
@NullMarked
package io.millrace.cli;

import org.jspecify.annotations.NullMarked;
