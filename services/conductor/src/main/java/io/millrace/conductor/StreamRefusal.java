package io.millrace.conductor;

import io.millrace.events.wire.DeniedException;
import io.millrace.events.wire.KafkaRefusal;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Why a broker did not let a stream thread do something. What was tried on which topic, Kafka Streams says in words only;
 * a refusal that it passes on without a word is the consumer's.
 */
final class StreamRefusal {
    private static final Pattern TRIED = Pattern.compile(
            "(?s)(?:Could not create topic (\\S+)\\.|Error encountered sending record to topic (\\S+) .*)");

    private StreamRefusal() {}

    /** What to say of a thread's death; empty if no broker refused anything. */
    static Optional<String> of(Throwable death, Map<String, Object> kafka) {
        return KafkaRefusal.of(named(death), kafka, AclOperation.READ);
    }

    private static Throwable named(Throwable death) {
        Throwable above = death;
        while (above.getCause() != null) {
            Matcher tried = TRIED.matcher(String.valueOf(above.getMessage()));
            if (above.getCause() instanceof TopicAuthorizationException denied && tried.matches()) {
                return tried.group(1) == null
                        ? DeniedException.naming(denied, AclOperation.WRITE, ResourceType.TOPIC, tried.group(2))
                        : DeniedException.naming(denied, AclOperation.CREATE, ResourceType.TOPIC, tried.group(1));
            }
            above = above.getCause();
        }
        return death;
    }
}
