package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Deletes the blobs that are not reachable, all that begin with the same two digits at once. */
final class Sweep implements Inventory.Visitor {
    private final Inventory inventory;
    private final Set<Digest> reachable;
    private final Duration grace;
    private final boolean dryRun;
    private final StoreCheck.Progress progress;
    private final List<Inventory.Blob> condemned = new ArrayList<>();
    private String folder = "";
    private long deleted;
    private long deletedBytes;
    private long kept;
    private long keptBytes;

    Sweep(Inventory inventory, Set<Digest> reachable, Duration grace, boolean dryRun, StoreCheck.Progress progress) {
        this.inventory = inventory;
        this.reachable = reachable;
        this.grace = grace;
        this.dryRun = dryRun;
        this.progress = progress;
    }

    @Override
    public void visit(Inventory.Blob blob) throws IOException, InterruptedException {
        String next = blob.digest().hex().substring(0, 2);
        if (!next.equals(folder)) {
            delete();
            folder = next;
            progress.show(Integer.parseInt(next, 16), 256, "freed " + deletedBytes + " bytes");
        }
        if (reachable.contains(blob.digest()) || blob.age().compareTo(grace) < 0) {
            kept++;
            keptBytes += blob.sizeBytes();
        } else {
            condemned.add(blob);
        }
    }

    private void delete() throws IOException, InterruptedException {
        if (condemned.isEmpty()) {
            return;
        }
        for (Inventory.Blob blob : dryRun ? condemned : inventory.delete(List.copyOf(condemned), grace)) {
            deleted++;
            deletedBytes += blob.sizeBytes();
        }
        condemned.clear();
    }

    GarbageCollection.Collected end(long results) throws IOException, InterruptedException {
        delete();
        return new GarbageCollection.Collected(results, deleted, deletedBytes, kept, keptBytes);
    }
}
