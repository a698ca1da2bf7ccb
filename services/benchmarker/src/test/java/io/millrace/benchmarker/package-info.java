@NullMarked
package io.millrace.benchmarker;

import org.jspecify.annotations.NullMarked;
