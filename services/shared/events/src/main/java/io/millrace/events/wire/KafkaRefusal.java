package io.millrace.events.wire;

import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.config.ConfigException;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.InvalidGroupIdException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.TransactionalIdAuthorizationException;
import org.apache.kafka.common.errors.UnsupportedSaslMechanismException;
import org.apache.kafka.common.resource.ResourceType;
import org.jspecify.annotations.Nullable;

/**
 * Why a broker does not let us in, or not do what we asked, or a client cannot be set up as it was told: as an operator
 * needs to hear it, without secrets.
 */
public final class KafkaRefusal {
    private static final Pattern USER = Pattern.compile("\\busername\\s*=\\s*\"?([^\";\\s]+)");
    private static final Pattern UNREAD_STORE = Pattern.compile("Failed to load (PEM )?SSL ");
    private static final Pattern ANOTHER_HOST = Pattern.compile("No (subject alternative|name matching).*");

    private KafkaRefusal() {}

    /**
     * What to say of an error; empty if it is no refusal.
     *
     * @param kafka settings of the client that met it
     */
    public static Optional<String> of(Throwable error, Map<String, ?> kafka) {
        return of(error, kafka, AclOperation.UNKNOWN);
    }

    /** @param operation what was tried on a topic: the error does not say */
    public static Optional<String> of(Throwable error, Map<String, ?> kafka, AclOperation operation) {
        return causes(error)
                .flatMap(cause -> one(cause, kafka, operation).stream())
                .findFirst();
    }

    /** True if a client cannot be set up as it was told: no broker was asked, and none would cure it. */
    public static boolean isOfSettings(Throwable error) {
        // A name that does not resolve may do so later.
        return causes(error)
                .anyMatch(cause -> cause instanceof ConfigException
                        && !String.valueOf(cause.getMessage()).startsWith("No resolvable bootstrap urls"));
    }

    private static Optional<String> one(Throwable cause, Map<String, ?> kafka, AclOperation operation) {
        String place = "the broker at " + kafka.get("bootstrap.servers");
        return switch (cause) {
            case SaslAuthenticationException refused ->
                Optional.of(place + " refuses " + user(kafka) + ": " + refused.getMessage()
                        + "; check name, password and sasl.mechanism in the file of --kafka-config");
            case UnsupportedSaslMechanismException other ->
                Optional.of(place + " does not let " + user(kafka) + " log in so: " + other.getMessage()
                        + "; set sasl.mechanism in the file of --kafka-config, and the login module that fits it");
            case SslAuthenticationException untrusted -> Optional.of(untrusted(untrusted, place));
            case AuthorizationException denied -> Optional.of(denied(named(denied, operation, kafka), user(kafka)));
            case KafkaException unread
            when UNREAD_STORE.matcher(String.valueOf(unread.getMessage())).lookingAt() ->
                Optional.of(unread.getMessage() + " (" + unread.getCause() + "); check location, type and password of"
                        + " ssl.truststore and ssl.keystore in the file of --kafka-config");
            case ConfigException wrong
            when isOfSettings(wrong) ->
                Optional.of("Kafka's clients cannot be set up so: " + wrong.getMessage()
                        + "; check --kafka, which is HOST:PORT, and the file of --kafka-config");
            case InvalidGroupIdException group -> Optional.of(String.valueOf(group.getMessage()));
            default -> Optional.empty();
        };
    }

    private static String untrusted(SslAuthenticationException error, String place) {
        for (Throwable cause : causes(error).toList()) {
            if (cause instanceof CertificateExpiredException) {
                return "the certificate of " + place + " has expired (" + cause.getMessage()
                        + "); renew it, or set the clock of this machine right";
            }
            if (cause instanceof CertificateNotYetValidException) {
                return "the certificate of " + place + " is not valid yet (" + cause.getMessage()
                        + "); set the clock of this machine right";
            }
        }
        String why = deepest(error);
        return ANOTHER_HOST.matcher(why).matches()
                ? "the certificate of " + place + " is not for this host (" + why
                        + "); use a name that it has, in advertised.listeners too, or renew it with this one"
                : place + " is not trusted: " + why
                        + "; ssl.truststore.location must hold the authority that signed its certificate";
    }

    private static String denied(KafkaException error, String user) {
        String what = error instanceof DeniedException denied ? denied.what() : "this: " + error.getMessage();
        String right = error instanceof DeniedException denied ? denied.remedy() : "with operation and resource";
        return "Kafka denies " + user + " " + what + "; deploy/acls.yaml has the rights of each service, and"
                + " 'kafka-acls.sh --add --allow-principal " + user + " " + right + "' gives this one";
    }

    /** With what was tried, where the error or the client tells. */
    private static KafkaException named(AuthorizationException error, AclOperation operation, Map<String, ?> kafka) {
        return switch (error) {
            case TopicAuthorizationException topic
            when operation != AclOperation.UNKNOWN
                    && !topic.unauthorizedTopics().isEmpty() ->
                DeniedException.naming(
                        error,
                        operation,
                        ResourceType.TOPIC,
                        topic.unauthorizedTopics().iterator().next());
            // Who is told so is a member of the group, or means to become one.
            case GroupAuthorizationException group
            when group.groupId() != null ->
                DeniedException.naming(error, AclOperation.READ, ResourceType.GROUP, group.groupId());
            case TransactionalIdAuthorizationException _
            when kafka.get("transactional.id") instanceof String id ->
                DeniedException.naming(error, AclOperation.WRITE, ResourceType.TRANSACTIONAL_ID, id);
            default -> error;
        };
    }

    private static String user(Map<String, ?> kafka) {
        Matcher name = USER.matcher(String.valueOf(kafka.get("sasl.jaas.config")));
        return name.find() ? "User:" + name.group(1) : "this client";
    }

    private static String deepest(Throwable error) {
        return causes(error)
                .reduce((_, last) -> last)
                .map(Throwable::getMessage)
                .orElse("");
    }

    private static Stream<Throwable> causes(@Nullable Throwable error) {
        return Stream.<Throwable>iterate(error, cause -> cause != null, Throwable::getCause)
                .limit(20);
    }
}
