package io.millrace.tests.deploy;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Predicate;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.internals.PluginMetricsImpl;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.metadata.authorizer.StandardAcl;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.Action;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;
import org.apache.kafka.server.authorizer.AuthorizationResult;

/** Kafka's authorizer, which also keeps what users asked for. The broker makes it, so what it keeps is of the class. */
public final class RecordingAuthorizer extends StandardAuthorizer {
    private static final Set<Asked> ASKED = new ConcurrentSkipListSet<>(Comparator.comparing(Asked::toString));

    private static final Map<String, AuthorizableRequestContext> CONTEXTS = new ConcurrentHashMap<>();

    /** What a user asked for, and whether it was let. A refusal that Kafka does not log only chooses another way. */
    record Asked(String user, ResourceType type, String name, AclOperation operation, boolean allowed) {}

    /** A producer without transactions asks whether it may write anywhere; Kafka tries each ACL for the answer. */
    private final ThreadLocal<Boolean> anywhere = ThreadLocal.withInitial(() -> false);

    static Set<Asked> asked() {
        return Set.copyOf(ASKED);
    }

    static void forget() {
        ASKED.clear();
        CONTEXTS.clear();
    }

    /** Kafka's own answer, had there been these rights only. */
    static Predicate<Asked> with(Collection<Right> rights) {
        StandardAuthorizer authorizer = new StandardAuthorizer();
        authorizer.withPluginMetrics(new PluginMetricsImpl(new Metrics(), Map.of()));
        rights.forEach(right -> authorizer.addAcl(Uuid.randomUuid(), StandardAcl.fromAclBinding(right.binding())));
        authorizer.completeInitialLoad();
        return asked -> authorizer
                .authorize(
                        Objects.requireNonNull(CONTEXTS.get(asked.user())),
                        List.of(new Action(
                                asked.operation(),
                                new ResourcePattern(asked.type(), asked.name(), PatternType.LITERAL),
                                1,
                                false,
                                false)))
                .equals(List.of(AuthorizationResult.ALLOWED));
    }

    @Override
    public AuthorizationResult authorizeByResourceType(
            AuthorizableRequestContext context, AclOperation operation, ResourceType type) {
        anywhere.set(true);
        try {
            return super.authorizeByResourceType(context, operation, type);
        } finally {
            anywhere.set(false);
        }
    }

    @Override
    public List<AuthorizationResult> authorize(AuthorizableRequestContext context, List<Action> actions) {
        List<AuthorizationResult> results = super.authorize(context, actions);
        CONTEXTS.put(context.principal().getName(), context);
        // Several operations at once: the broker lists what the user might do, and nobody does any of it.
        boolean listing = actions.stream().map(Action::operation).distinct().count() > 1;
        for (int i = 0; i < actions.size() && !listing; i++) {
            Action action = actions.get(i);
            boolean allowed = results.get(i) == AuthorizationResult.ALLOWED;
            if (!anywhere.get() && (allowed || action.logIfDenied())) {
                ASKED.add(new Asked(
                        context.principal().getName(),
                        action.resourcePattern().resourceType(),
                        action.resourcePattern().name(),
                        action.operation(),
                        allowed));
            }
        }
        return results;
    }
}
