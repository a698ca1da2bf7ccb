/**
 * Where the options of a service take their values from: the command line, then the environment, then one file for all
 * services, then the default. Knows no service; what is not known by name is an error that names the nearest word.
 */
@NullMarked
package io.millrace.worker.configuration;

import org.jspecify.annotations.NullMarked;
