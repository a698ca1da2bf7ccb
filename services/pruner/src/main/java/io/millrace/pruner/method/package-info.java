/** One class per pruning method. They stream row blocks; none holds more than one matrix's statistics. */
@NullMarked
package io.millrace.pruner.method;

import org.jspecify.annotations.NullMarked;
