package io.millrace.conductor.run;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.ModelName;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Every checkpoint that was published, as it was first published but where it lies now, and the newest of each model. */
record Checkpoints(Tables tables) {
    /** Why it cannot stand: its version stands for other files. */
    Optional<String> conflict(CheckpointPublished checkpoint) {
        return tables.checkpoints()
                .get(key(checkpoint))
                .map(known -> known.artifact().manifest())
                .filter(known -> !known.equals(checkpoint.artifact().manifest()))
                .map(known -> "version '" + checkpoint.version() + "' of '" + checkpoint.model()
                        + "' was published with other files before: their manifest is " + known + ", and now it is "
                        + checkpoint.artifact().manifest() + "; publish under a new version");
    }

    /**
     * Keeps it; of a version that was published before, only the place: the folder may have moved since. Returns the one
     * that stands for the version.
     */
    CheckpointPublished keep(CheckpointPublished checkpoint) {
        Optional<CheckpointPublished> known = tables.checkpoints().get(key(checkpoint));
        if (known.filter(former -> former.artifact().equals(checkpoint.artifact()))
                .isPresent()) {
            return known.get();
        }
        CheckpointPublished standing =
                known.map(former -> Moved.at(checkpoint.artifact(), former)).orElse(checkpoint);
        tables.checkpoints().put(key(standing), standing);
        newest(standing.model())
                .filter(newest -> newest.version().equals(standing.version()))
                .ifPresent(_ -> setNewest(standing));
        return standing;
    }

    /** Set if a checkpoint lies elsewhere by now than this record of it says. */
    Optional<Moved> moved(CheckpointPublished record) {
        ArtifactRef from = record.artifact();
        return tables.checkpoints()
                .get(key(record))
                .map(CheckpointPublished::artifact)
                .filter(to -> to.manifest().equals(from.manifest()) && !to.equals(from))
                .map(to -> new Moved(from, to));
    }

    Optional<CheckpointPublished> newest(ModelName model) {
        return tables.newest().get(model.value());
    }

    void setNewest(CheckpointPublished checkpoint) {
        tables.newest().put(checkpoint.model().value(), checkpoint);
    }

    /** The newest one and those before it, the newest first; at most {@code count}, but at least the newest. */
    List<CheckpointPublished> backfill(CheckpointPublished newest, int count) {
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
