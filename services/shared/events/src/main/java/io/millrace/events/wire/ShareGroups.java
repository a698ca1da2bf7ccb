package io.millrace.events.wire;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.FinalizedVersionRange;
import org.apache.kafka.common.config.ConfigResource;

/** The share groups that workers take jobs in, and the settings without which they would miss or lose some. */
final class ShareGroups {
    /** Set before the first consumer joins: the defaults would skip old jobs and hand out aborted ones. */
    private static final Map<String, String> SETTINGS = Map.of(
            "share.auto.offset.reset", "earliest",
            "share.isolation.level", "read_committed");

    private static final String FEATURE = "share.version";

    private static final String LOCK = "share.record.lock.duration.ms";

    /** Kafka's default; set only where another lock was set that does not work. */
    private static final String USUAL_LOCK_MILLIS = "30000";

    /**
     * A lease is renewed each third of the lock, so a shorter one would be lost in a pause of the machine. Kafka itself
     * allows 15 s and more unless the broker's {@code group.share.min.record.lock.duration.ms} says less.
     */
    private static final long SHORTEST_LOCK_MILLIS = 5_000;

    /**
     * A worker shows a sign of life each third of the lock, and the conductor gives it up after two minutes of silence.
     * Kafka's bound is 60 s unless {@code group.share.max.record.lock.duration.ms} says more.
     */
    private static final long LONGEST_LOCK_MILLIS = 180_000;

    private ShareGroups() {}

    /** The groups of each stage on these devices. */
    static Set<ConfigResource> of(Topics topics, Collection<Device> devices) {
        Set<ConfigResource> groups = new LinkedHashSet<>();
        for (Device device : devices) {
            for (StageName stage : StageName.values()) {
                groups.add(new ConfigResource(ConfigResource.Type.GROUP, topics.shareGroup(stage, device)));
            }
        }
        return groups;
    }

    /** What to set, where a group is configured like this. */
    static Map<String, String> wanted(String group, Config present) {
        Map<String, String> settings = new LinkedHashMap<>(SETTINGS);
        if (lockProblem(group, value(present, LOCK)).isPresent()) {
            settings.put(LOCK, USUAL_LOCK_MILLIS);
        }
        return settings;
    }

    /** What is wrong with a group's settings, one sentence each, with what mends it. */
    static List<String> problems(String group, Config present, String remedy) {
        List<String> problems = new ArrayList<>();
        SETTINGS.forEach((setting, value) -> {
            String actual = value(present, setting).orElse("not known to the broker");
            if (!value.equals(actual)) {
                problems.add("share group '" + group + "' has " + setting + "=" + actual + " instead of " + value + "; "
                        + remedy + " before its workers start");
            }
        });
        lockProblem(group, value(present, LOCK)).ifPresent(problem -> problems.add(problem + "; " + remedy));
        return problems;
    }

    /** Why a share group's leases would not hold; empty if they do. */
    static Optional<String> lockProblem(String group, Optional<String> millis) {
        String found = millis.orElse("not known to the broker");
        boolean fits = found.matches("[0-9]{1,9}")
                && Long.parseLong(found) >= SHORTEST_LOCK_MILLIS
                && Long.parseLong(found) <= LONGEST_LOCK_MILLIS;
        return fits
                ? Optional.empty()
                : Optional.of("share group '" + group + "' has " + LOCK + "=" + found + ", expected "
                        + SHORTEST_LOCK_MILLIS + " to " + LONGEST_LOCK_MILLIS + " ms: "
                        + "a worker renews its lease, and shows that it lives, each third of it");
    }

    /** Why a cluster of these features has no share groups; empty if it has them. */
    static Optional<String> problem(Map<String, FinalizedVersionRange> features) {
        FinalizedVersionRange range = features.get(FEATURE);
        return range != null && range.maxVersionLevel() >= 1
                ? Optional.empty()
                : Optional.of("the cluster has no share groups (feature " + FEATURE
                        + "); upgrade to Kafka 4.3 and run 'kafka-features.sh upgrade --release-version 4.3'");
    }

    private static Optional<String> value(Config config, String setting) {
        return Optional.ofNullable(config.get(setting)).map(ConfigEntry::value);
    }
}
