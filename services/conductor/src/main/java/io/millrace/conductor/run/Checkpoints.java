package io.millrace.conductor.run;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every checkpoint that was published, as it was first published, and the newest of each model. */
record Checkpoints(Tables tables) {
    /** The one that stands for this version; it keeps the weights that it had first. */
    Optional<CheckpointPublished> standing(CheckpointPublished checkpoint) {
        return tables.checkpoints().get(key(checkpoint));
    }

    void add(CheckpointPublished checkpoint) {
        tables.checkpoints().put(key(checkpoint), checkpoint);
    }

    Optional<CheckpointPublished> newest(ModelName model) {
        return tables.newest().get(model.value());
    }

    void newest(CheckpointPublished checkpoint) {
        tables.newest().put(checkpoint.model().value(), checkpoint);
    }

    /** The newest one and those before it, the newest first; at most {@code count}, but at least the newest. */
    List<CheckpointPublished> newest(CheckpointPublished newest, int count) {
        if (count <= 1) {
            return List.of(newest);
        }
        List<CheckpointPublished> all = of(newest.model());
        all.sort((one, other) -> one.isNewerThan(other) ? -1 : other.isNewerThan(one) ? 1 : 0);
        return all.stream().limit(count).toList();
    }

    List<CheckpointPublished> of(ModelName model) {
        List<CheckpointPublished> all = new ArrayList<>();
        tables.checkpoints().forEach(Table.prefix(model), (_, checkpoint) -> all.add(checkpoint));
        return all;
    }

    private static String key(CheckpointPublished checkpoint) {
        return Table.key(checkpoint.model(), checkpoint.version());
    }
}
