/**
 * Holds what lies in {@code deploy} and {@code docker-compose.yml} against the services: every metric, option, port and
 * variable that is named there must be one that they have.
 */
@NullMarked
package io.millrace.tests.deploy;

import org.jspecify.annotations.NullMarked;
