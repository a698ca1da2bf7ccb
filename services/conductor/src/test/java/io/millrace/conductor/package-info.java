/** What tests of the conductor share: checkpoints, policies, and a worker that answers jobs. */
@NullMarked
package io.millrace.conductor;

import org.jspecify.annotations.NullMarked;
