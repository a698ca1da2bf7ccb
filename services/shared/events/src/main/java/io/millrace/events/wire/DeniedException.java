package io.millrace.events.wire;

import java.util.Locale;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.utils.SecurityUtils;

/** Kafka's answer that this client may not do one thing. Kafka's own exception does not say what was tried. */
public final class DeniedException extends AuthorizationException {
    private final AclOperation operation;
    private final ResourceType type;
    private final String name;

    private DeniedException(AclOperation operation, ResourceType type, String name, Throwable cause) {
        super("Kafka denies " + what(operation, type, name), cause);
        this.operation = operation;
        this.type = type;
        this.name = name;
    }

    /** The error itself if it is of another kind, or says already what was tried. */
    public static KafkaException naming(KafkaException error, AclOperation operation, ResourceType type, String name) {
        return error instanceof AuthorizationException && !(error instanceof DeniedException)
                ? new DeniedException(operation, type, name, error)
                : error;
    }

    String what() {
        return what(operation, type, name);
    }

    /** What lets the user do it: options of {@code kafka-acls.sh}. */
    String remedy() {
        String pattern = type == ResourceType.TRANSACTIONAL_ID ? " --resource-pattern-type prefixed" : "";
        return "--operation " + SecurityUtils.operationName(operation) + " --"
                + kind(type).replace(' ', '-') + " " + name + pattern;
    }

    private static String what(AclOperation operation, ResourceType type, String name) {
        return SecurityUtils.operationName(operation) + " on " + kind(type) + " " + name;
    }

    /** {@code TRANSACTIONAL_ID} is "transactional id". */
    private static String kind(ResourceType type) {
        return type.name().toLowerCase(Locale.ROOT).replace('_', ' ');
    }
}
