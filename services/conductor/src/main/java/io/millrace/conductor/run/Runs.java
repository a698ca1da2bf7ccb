package io.millrace.conductor.run;

import io.millrace.events.ModelName;
import io.millrace.events.RunId;
import java.util.Optional;

/** Every run that is remembered: in one table while it goes on, in another once it has ended, never in both. */
record Runs(Tables tables) {
    Optional<RunState> get(ModelName model, RunId id) {
        String key = Table.key(model, id);
        Optional<RunState> open = tables.open().get(key).map(run -> run);
        return open.isPresent() ? open : tables.ended().get(key).map(run -> run);
    }

    void put(RunState state) {
        String key = Table.key(state.model(), state.id());
        switch (state) {
            case RunState.Open open -> {
                if (tables.open().get(key).isEmpty()) {
                    tables.ended().delete(key);
                }
                tables.open().put(key, open);
            }
            case RunState.Ended ended -> {
                tables.open().delete(key);
                tables.ended().put(key, ended);
            }
        }
    }

    void forget(RunState.Ended run) {
        tables.ended().delete(Table.key(run.model(), run.id()));
    }
}
