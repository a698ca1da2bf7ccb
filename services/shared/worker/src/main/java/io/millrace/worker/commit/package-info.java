/**
 * What happens to one job between its lease and its acceptance: the answer from the store, the claim, the inputs, the
 * stage, the commit race and the event that says how it ended. It knows the store and the events, and nothing of Kafka.
 */
@NullMarked
package io.millrace.worker.commit;

import org.jspecify.annotations.NullMarked;
