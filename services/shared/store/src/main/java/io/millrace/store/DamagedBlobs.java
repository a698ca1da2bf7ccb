package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The blobs that a check found damaged or missing, and what needs them. The first thing found of a blob counts. */
final class DamagedBlobs {
    private final Map<Digest, String> found = new TreeMap<>();
    private final Set<Digest> missing = new TreeSet<>();
    private final Map<Digest, Set<JobKey>> jobs = new TreeMap<>();
    private final Map<Digest, Set<Digest>> artifacts = new TreeMap<>();

    void add(Digest blob, String what) {
        found.putIfAbsent(blob, what);
    }

    void missing(Digest blob, String what) {
        missing.add(blob);
        add(blob, "is missing: " + what);
    }

    /** Tells who needs a blob, if it is a damaged one. */
    void need(Digest blob, ArtifactRef artifact, Optional<JobKey> job) {
        if (found.containsKey(blob)) {
            artifacts.computeIfAbsent(blob, _ -> new TreeSet<>()).add(artifact.manifest());
            job.ifPresent(
                    key -> jobs.computeIfAbsent(blob, _ -> new TreeSet<>()).add(key));
        }
    }

    int count() {
        return found.size();
    }

    List<StoreCheck.Damage> told(Inventory inventory) {
        return found.entrySet().stream()
                .map(blob -> new StoreCheck.Damage(
                        inventory.place(blob.getKey()),
                        missing.contains(blob.getKey()),
                        blob.getValue(),
                        List.copyOf(jobs.getOrDefault(blob.getKey(), Set.of())),
                        List.copyOf(artifacts.getOrDefault(blob.getKey(), Set.of()))))
                .toList();
    }
}
