package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.events.wire.Topics;
import io.millrace.tests.deploy.RecordingAuthorizer.Asked;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/** One operation of a row of {@code deploy/acls.yaml}. */
record Right(String service, ResourceType resource, String name, PatternType pattern, AclOperation operation) {
    /** What Kafka's authorizer takes from another operation. */
    private static final Map<AclOperation, Set<AclOperation>> INCLUDED = included();

    static List<Right> all() {
        List<Right> rights = new ArrayList<>();
        JsonNode table = Repository.yaml(Repository.DEPLOY.resolve("acls.yaml"));
        table.properties()
                .forEach(service -> service.getValue()
                        .forEach(row -> row.get("operations")
                                .forEach(operation -> rights.add(new Right(
                                        service.getKey(),
                                        resource(row.get("resource").asText()),
                                        Topics.DEFAULT.prefix()
                                                + row.get("name").asText(),
                                        PatternType.fromString(
                                                row.get("pattern").asText().toUpperCase(Locale.ROOT)),
                                        operation(operation.asText()))))));
        return rights;
    }

    AclBinding binding() {
        return new AclBinding(
                new ResourcePattern(resource, name, pattern),
                new AccessControlEntry("User:" + service, "*", operation, AclPermissionType.ALLOW));
    }

    /** True if this right lets the user do what it asked for. */
    boolean gives(Asked asked) {
        return asked.user().equals(service)
                && asked.type() == resource
                && (pattern == PatternType.PREFIXED
                        ? asked.name().startsWith(name)
                        : asked.name().equals(name))
                && (asked.operation() == operation
                        || INCLUDED.getOrDefault(operation, Set.of()).contains(asked.operation()));
    }

    private static ResourceType resource(String name) {
        return name.equals("transactionalId") ? ResourceType.TRANSACTIONAL_ID : ResourceType.fromString(name);
    }

    /** {@code AlterConfigs} is {@code ALTER_CONFIGS}. */
    private static AclOperation operation(String name) {
        return AclOperation.fromString(name.replaceAll("(?<=[a-z])(?=[A-Z])", "_"));
    }

    private static Map<AclOperation, Set<AclOperation>> included() {
        Map<AclOperation, Set<AclOperation>> included = new EnumMap<>(AclOperation.class);
        Set<AclOperation> describe = EnumSet.of(AclOperation.DESCRIBE);
        included.put(AclOperation.READ, describe);
        included.put(AclOperation.WRITE, describe);
        included.put(AclOperation.DELETE, describe);
        included.put(AclOperation.ALTER, describe);
        included.put(AclOperation.ALTER_CONFIGS, EnumSet.of(AclOperation.DESCRIBE_CONFIGS));
        return included;
    }
}
