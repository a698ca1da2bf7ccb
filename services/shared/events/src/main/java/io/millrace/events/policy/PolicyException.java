package io.millrace.events.policy;

/** A policy file is wrong; the message names file, line, what was found and what is known. */
public final class PolicyException extends Exception {
    public PolicyException(String message) {
        super(message);
    }
}
