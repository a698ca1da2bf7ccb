package io.millrace.events;

/** Why something failed; the message names file, place, what was found, what was expected and the remedy. */
public record Failure(Reason reason, String message) {
    public Blame blame() {
        return reason.blame();
    }
}
