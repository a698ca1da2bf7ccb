package io.millrace.events.wire;

import io.millrace.events.Event;

/** What the bytes of a record turned out to be. */
public sealed interface Decoded {
    /** An event that this version understands. */
    record Known(Event event) implements Decoded {}

    /**
     * Well-formed, but of a kind that this version does not know: a new event, stage, method or state. Readers skip and
     * count it.
     *
     * @param schemaName full name of its schema, followed by the part that is not known where the event itself is
     */
    record UnknownKind(String schemaName) implements Decoded {}

    /** Not an event; belongs to the dead letters. */
    record Undecodable(String why) implements Decoded {}
}
