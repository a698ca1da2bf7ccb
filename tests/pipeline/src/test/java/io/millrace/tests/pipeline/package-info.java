/**
 * The whole product through its command line: real processes, a real broker, a real store, a small model. What is promised
 * in DESIGN.md about restarts and deaths is tried here.
 */
@NullMarked
package io.millrace.tests.pipeline;

import org.jspecify.annotations.NullMarked;
