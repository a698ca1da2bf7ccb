/**
 * The {@code millrace} command: one class per subcommand, how they find their cluster ({@link io.millrace.cli.Cluster}),
 * and how they print. Commands read topics to their end with {@code read_committed}; they decide nothing about runs.
 */
@NullMarked
package io.millrace.cli;

import org.jspecify.annotations.NullMarked;
