@NullMarked
package io.millrace.cli.compress;

import org.jspecify.annotations.NullMarked;
