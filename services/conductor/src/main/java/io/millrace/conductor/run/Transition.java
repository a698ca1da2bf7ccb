package io.millrace.conductor.run;

import java.util.List;

/** A run's next state, and what is to be done. */
public record Transition(RunState state, List<Command> commands) {
    public Transition {
        commands = List.copyOf(commands);
    }

    static Transition unchanged(RunState state) {
        return new Transition(state, List.of());
    }

    static Transition to(RunState state, Command... commands) {
        return new Transition(state, List.of(commands));
    }
}
