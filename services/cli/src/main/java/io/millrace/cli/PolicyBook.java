package io.millrace.cli;

import io.millrace.events.Policy;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.PolicyRecord;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What the policies' topic says, by name.
 *
 * @param inForce the last policy of each name that was not deleted, as the conductor has it
 * @param damaged the last entry of each name where it is no policy; the conductor passed it over
 * @param revisions the highest of each name, whether or not its policy is still in force
 */
record PolicyBook(List<Policy> inForce, List<Damaged> damaged, Map<String, Long> revisions) {
    PolicyBook {
        inForce = List.copyOf(inForce);
        damaged = List.copyOf(damaged);
        revisions = Map.copyOf(revisions);
    }

    /** An entry that is no policy. */
    record Damaged(String name, String place, String why) {
        private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]*");

        /** Between double quotes it means itself to a shell. U+FFFD stands for bytes that no command line can give. */
        private static final Pattern QUOTABLE = Pattern.compile("[^\\p{Cntrl}\\p{Cf}\"$`\\\\!\uFFFD]*");

        @Override
        public String toString() {
            return "policy '" + name + "': its newest entry (" + place + ") cannot be used: " + why
                    + "; what was in force under this name before stays so; " + remedy();
        }

        private String remedy() {
            if (PLAIN.matcher(name).matches()) {
                return "apply the policy again, or take it out of force with 'millrace policy delete " + name + "'";
            }
            return "no policy can have this name: "
                    + (QUOTABLE.matcher(name).matches()
                            ? "take the entry away with 'millrace policy delete -- \"" + name + "\"'"
                            : "write a record without a value under its key to take the entry away");
        }
    }

    static PolicyBook of(List<ConsumerRecord<byte[], byte[]>> records, EventCodec codec) {
        Map<String, Policy> inForce = new TreeMap<>();
        Map<String, Damaged> damaged = new TreeMap<>();
        Map<String, Long> revisions = new TreeMap<>();
        for (ConsumerRecord<byte[], byte[]> record : records) {
            String name = new String(record.key(), StandardCharsets.UTF_8);
            Optional<String> problem = PolicyRecord.problem(codec, name, record.value());
            if (problem.isPresent()) {
                damaged.put(name, new Damaged(name, place(record), problem.get()));
                continue;
            }
            damaged.remove(name);
            if (record.value() == null) {
                inForce.remove(name);
            } else if (codec.decode(record.value()) instanceof Decoded.Known(Policy policy)) {
                inForce.put(name, policy);
                revisions.merge(name, policy.revision(), Math::max);
            }
        }
        return new PolicyBook(List.copyOf(inForce.values()), List.copyOf(damaged.values()), revisions);
    }

    /** Every name that can be deleted. */
    Set<String> names() {
        Set<String> names = new TreeSet<>();
        inForce.forEach(policy -> names.add(policy.name()));
        damaged.forEach(entry -> names.add(entry.name()));
        return names;
    }

    /**
     * The revision of what is applied under this name next. After a deletion, too, it is higher than any that the topic
     * still has: a model that an earlier revision made of the same checkpoint would otherwise stay the latest. What
     * compaction has taken away is not known here; the conductor forgets the revisions of a policy that is deleted.
     */
    long nextRevision(String name) {
        return revisions.getOrDefault(name, 0L) + 1;
    }

    private static String place(ConsumerRecord<byte[], byte[]> record) {
        return record.topic() + ", partition " + record.partition() + ", offset " + record.offset();
    }
}
