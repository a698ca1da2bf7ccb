package io.millrace.events.wire;

import io.millrace.events.Device;
import io.millrace.events.StageName;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The names of the topics, and what each must look like.
 *
 * @param prefix of every name, so that several installations may share a cluster
 */
public record Topics(String prefix) {
    /** Of every topic that is keyed by model, run or job; fixed, since the conductor's stores are partitioned alike. */
    public static final int PARTITIONS = 12;

    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._-]{0,64}");

    public static final Topics DEFAULT = new Topics("millrace.");

    private static final Map<String, String> BROKERS_TIME = Map.of("message.timestamp.type", "LogAppendTime");

    /** An event has at most 256 KiB; headers need some room beside it, and so does a dead letter (1 MiB) around both. */
    private static final String MAX_MESSAGE_BYTES = Integer.toString(512 * 1024);

    public Topics {
        if (!FORM.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "'" + prefix + "' is not a topic prefix; use up to 64 letters, digits, '.', '_' or '-'");
        }
    }

    public String checkpoints() {
        return prefix + "checkpoints";
    }

    public String policies() {
        return prefix + "policies";
    }

    public String jobs(StageName stage, Device device) {
        return prefix + "jobs." + stage.wireName() + "." + device.name();
    }

    /** Whether this is a job topic, of whatever stage and device. */
    public boolean isQueue(String topic) {
        return topic.startsWith(prefix + "jobs.");
    }

    /** The devices whose job topics of this stage are among these topics. */
    public List<Device> devices(StageName stage, Collection<String> names) {
        String start = prefix + "jobs." + stage.wireName() + ".";
        return names.stream()
                .filter(name -> name.startsWith(start))
                .map(name -> name.substring(start.length()))
                .filter(Device::isName)
                .map(Device::new)
                .sorted()
                .toList();
    }

    public String jobEvents() {
        return prefix + "job-events";
    }

    public String cancellations() {
        return prefix + "cancellations";
    }

    public String models() {
        return prefix + "models";
    }

    public String modelsLatest() {
        return prefix + "models.latest";
    }

    public String rejections() {
        return prefix + "rejections";
    }

    public String runs() {
        return prefix + "runs";
    }

    public String schemas() {
        return prefix + "schemas";
    }

    public String deadLetters() {
        return prefix + "dead-letters";
    }

    /** The conductor's own copy of the policies, whole in every partition. */
    public String policiesByPartition() {
        return prefix + "conductor.policies";
    }

    /** The share group of a job topic; it bears the topic's name. */
    public String shareGroup(StageName stage, Device device) {
        return jobs(stage, device);
    }

    /** All topics but those of the jobs. */
    public List<TopicSpec> fixed() {
        return List.of(
                // The publisher's own clock cannot say that it is ahead; the broker's can.
                kept(checkpoints(), PARTITIONS, 400, BROKERS_TIME),
                policiesTopic(),
                compacted(policiesByPartition(), PARTITIONS, Map.of()),
                kept(jobEvents(), PARTITIONS, 14, Map.of()),
                // A cancellation says nothing once its job has left its own topic.
                compacted(cancellations(), 1, Map.of("cleanup.policy", "compact,delete", "retention.ms", millis(14))),
                kept(models(), PARTITIONS, 400, Map.of()),
                compacted(modelsLatest(), PARTITIONS, Map.of()),
                kept(rejections(), PARTITIONS, 400, Map.of()),
                compacted(runs(), PARTITIONS, Map.of()),
                compacted(schemas(), 1, Map.of()),
                kept(deadLetters(), 1, 30, Map.of("max.message.bytes", Integer.toString(1024 * 1024))));
    }

    /**
     * One partition, which all members of the share group work on together. As long as a group has no more members than
     * partitions, each partition belongs to one of them: with twelve, an idle worker never got the jobs behind a busy
     * one, and those of a killed one waited 45 s for its session to time out (measured, Kafka 4.3.1).
     */
    public TopicSpec jobTopic(StageName stage, Device device) {
        return kept(jobs(stage, device), 1, 14, Map.of());
    }

    /**
     * A live run goes by the policy that it began with, whose texts garbage collection must still find. Whether a change
     * came before a checkpoint, only clocks of brokers can say.
     */
    private TopicSpec policiesTopic() {
        Map<String, String> more = new TreeMap<>(BROKERS_TIME);
        more.put("min.compaction.lag.ms", millis(400));
        return compacted(policies(), 1, more);
    }

    private static TopicSpec kept(String name, int partitions, int days, Map<String, String> more) {
        return spec(name, partitions, Map.of("cleanup.policy", "delete", "retention.ms", millis(days)), more);
    }

    /**
     * Tombstones stay for 30 days: a conductor or serving node that was away for a week must still see that something
     * was deleted. Segments are rolled daily, since the active one is never compacted.
     */
    private static TopicSpec compacted(String name, int partitions, Map<String, String> more) {
        return spec(
                name,
                partitions,
                Map.of("cleanup.policy", "compact", "delete.retention.ms", millis(30), "segment.ms", millis(1)),
                more);
    }

    private static TopicSpec spec(String name, int partitions, Map<String, String> configs, Map<String, String> more) {
        SortedMap<String, String> all = new TreeMap<>(configs);
        all.put("max.message.bytes", MAX_MESSAGE_BYTES);
        all.putAll(more);
        return new TopicSpec(name, partitions, all);
    }

    private static String millis(int days) {
        return Long.toString(Duration.ofDays(days).toMillis());
    }
}
