/** What an operator sees of a process: metrics, health, log lines and traces. Nothing here decides anything. */
@NullMarked
package io.millrace.worker.observe;

import org.jspecify.annotations.NullMarked;
