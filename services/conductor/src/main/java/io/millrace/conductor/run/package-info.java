/**
 * What the conductor decides, as pure functions: a run's way up its ladder ({@link io.millrace.conductor.run.RunMachine}),
 * a job's way through queue, work, pauses and attempts ({@link io.millrace.conductor.run.TicketMachine}, {@link
 * io.millrace.conductor.run.Timeouts}, {@link io.millrace.conductor.run.Retries}), and how one event moves both ({@link
 * io.millrace.conductor.run.Coordinator}). Time comes in as an argument; nothing here knows of Kafka, clocks or
 * threads.
 */
@NullMarked
package io.millrace.conductor.run;

import org.jspecify.annotations.NullMarked;
