/** What an operator sees of a process: metrics, health and log lines. Nothing here decides anything. */
@NullMarked
package io.millrace.worker.observe;

import org.jspecify.annotations.NullMarked;
