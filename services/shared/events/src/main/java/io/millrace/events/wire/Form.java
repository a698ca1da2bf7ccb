package io.millrace.events.wire;

import java.util.function.BiConsumer;
import java.util.function.Function;

/** How one kind of value is laid out in an Avro record, in both directions. */
record Form<T>(BiConsumer<T, Writing> writer, Function<Reading, T> reader) {}
