/**
 * The demonstration: stories, a trainer that publishes checkpoints while it trains, the policy, the board and the final
 * table. It is a user of Millrace like any other: the trainer publishes through the client library, and what the board
 * shows comes from the topics.
 */
@NullMarked
package io.millrace.cli.demo;

import org.jspecify.annotations.NullMarked;
