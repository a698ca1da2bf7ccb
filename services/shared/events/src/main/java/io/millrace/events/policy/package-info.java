/**
 * Policies as people write them: a YAML file is read into a draft that still names its texts by path, and a draft whose
 * texts are in the store becomes a {@link io.millrace.events.Policy}. Also the check of a target against a model's
 * numbers. Nothing here opens a store or knows of Kafka.
 */
@NullMarked
package io.millrace.events.policy;

import org.jspecify.annotations.NullMarked;
