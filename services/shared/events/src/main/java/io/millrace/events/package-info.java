/**
 * The vocabulary that every service shares: identifiers, what is wanted (policy, target, recipe, gate), what is to be
 * done (job) and what happened (the events). Records are immutable and check themselves when built. Nothing here knows
 * of Kafka; the form on the wire is in {@code wire}.
 */
@NullMarked
package io.millrace.events;

import org.jspecify.annotations.NullMarked;
