package io.millrace.events.wire;

import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.GroupAuthorizationException;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.errors.SslAuthenticationException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.jspecify.annotations.Nullable;

/** Why a broker does not let us in, or not do what we asked: as an operator needs to hear it, without secrets. */
public final class KafkaRefusal {
    private static final Pattern USER = Pattern.compile("\\busername\\s*=\\s*\"?([^\";\\s]+)");

    private KafkaRefusal() {}

    /**
     * What to say of an error; empty if it is no refusal.
     *
     * @param kafka settings of the client that met it
     */
    public static Optional<String> of(Throwable error, Map<String, ?> kafka) {
        return causes(error).flatMap(cause -> one(cause, kafka).stream()).findFirst();
    }

    private static Optional<String> one(Throwable cause, Map<String, ?> kafka) {
        String place = "the broker at " + kafka.get("bootstrap.servers");
        return switch (cause) {
            case SaslAuthenticationException refused ->
                Optional.of(place + " refuses " + user(kafka) + ": " + refused.getMessage()
                        + "; check name, password and sasl.mechanism in the file of --kafka-config");
            case SslAuthenticationException untrusted -> Optional.of(untrusted(untrusted, place));
            case TopicAuthorizationException denied -> {
                String topics = denied.unauthorizedTopics().isEmpty()
                        ? "a topic (" + denied.getMessage() + ")"
                        : "topic " + String.join(", ", denied.unauthorizedTopics());
                yield Optional.of(denied(topics, kafka));
            }
            case GroupAuthorizationException denied ->
                Optional.of(denied(
                        denied.groupId() == null
                                ? "a group (" + denied.getMessage() + ")"
                                : "group " + denied.groupId(),
                        kafka));
            case AuthorizationException denied -> Optional.of(denied("this: " + denied.getMessage(), kafka));
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
        String why = causes(error)
                .reduce((_, last) -> last)
                .map(Throwable::getMessage)
                .orElse("");
        return place + " is not trusted: " + why
                + "; check ssl.truststore.location, and that the certificate names this host";
    }

    private static String denied(String resource, Map<String, ?> kafka) {
        return "Kafka denies " + user(kafka) + " " + resource + "; deploy/acls.yaml says what each service may do, and"
                + " 'kafka-acls.sh --add --allow-principal' gives it";
    }

    private static String user(Map<String, ?> kafka) {
        Matcher name = USER.matcher(String.valueOf(kafka.get("sasl.jaas.config")));
        return name.find() ? "User:" + name.group(1) : "this client";
    }

    private static Stream<Throwable> causes(@Nullable Throwable error) {
        return Stream.<Throwable>iterate(error, cause -> cause != null, Throwable::getCause)
                .limit(20);
    }
}
