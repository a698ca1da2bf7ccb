package io.millrace.worker.configuration;

/**
 * A value that was not given on the command line.
 *
 * @param place where it stands: a variable, or a file and its line
 */
record Configured(String value, String place) {}
