/**
 * Compression in one process, without Kafka: the pipeline's stages run in a folder beside their output, and what a stage
 * tells of each tensor becomes a table and a picture. Knows nothing of brokers, runs and policies.
 */
@NullMarked
package io.millrace.cli.compress;

import org.jspecify.annotations.NullMarked;
