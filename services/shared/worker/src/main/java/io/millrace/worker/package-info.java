/**
 * How a stage lives: the lease on a job, its inputs as folders, the work, the commit of its result, what is published of
 * it, metrics, health and shutdown. A stage author implements {@link io.millrace.worker.Stage} and nothing else.
 */
@NullMarked
package io.millrace.worker;

import org.jspecify.annotations.NullMarked;
