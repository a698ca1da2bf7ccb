package io.millrace.worker.configuration;

import io.millrace.events.policy.Nearest;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;

/**
 * The properties that every Kafka client gets, in the form of Kafka's own tools. Kafka ignores a name that it does not
 * know, and so would connect without what was meant; here it is an error. Kafka's config providers work: a password may be
 * {@code ${file:/run/secrets/kafka:password}}.
 */
public record KafkaFile(List<Property> properties) {
    private static final String PROVIDERS = AbstractConfig.CONFIG_PROVIDERS_CONFIG;
    private static final Map<String, ConfigDef.Type> KNOWN = known();

    /** What people look for in a program of Kafka Streams. Its state and its transactions are the conductor's promises. */
    private static final Map<String, String> OF_STREAMS = Map.of(
            "state.dir", "it is the conductor's --state",
            "num.stream.threads", "it is the conductor's --threads",
            "replication.factor", "it is the conductor's --replication",
            "application.id", "it follows --topic-prefix",
            "num.standby.replicas", "a conductor that takes over reads the state from Kafka",
            "processing.guarantee", "it is always exactly_once_v2");

    public KafkaFile {
        properties = List.copyOf(properties);
    }

    /** One line. */
    record Property(String name, String value, String place) {
        /** The value, unless it is a secret; one that only says where the secret lies may be shown. */
        String shown(String hidden) {
            boolean reference = value.matches("\\$\\{[^}]*}");
            return KNOWN.get(name) == ConfigDef.Type.PASSWORD && !reference ? hidden : value;
        }
    }

    /** @throws IOException if it is not there or not as it should be, with file and line */
    public static KafkaFile read(Path file) throws IOException {
        Properties properties = new Properties();
        List<String> lines;
        try {
            String text = Files.readString(file, StandardCharsets.UTF_8);
            lines = text.lines().toList();
            properties.load(new StringReader(text));
        } catch (NoSuchFileException missing) {
            throw new IOException("--kafka-config: there is no file " + file, missing);
        } catch (IllegalArgumentException malformed) {
            throw new IOException(file + ": " + malformed.getMessage() + "; expected 'name=value' lines", malformed);
        }
        List<Property> found = new ArrayList<>();
        for (String name : new TreeSet<>(properties.stringPropertyNames())) {
            String place = place(file, lines, name);
            if (!KNOWN.containsKey(name) && !name.startsWith(PROVIDERS + ".")) {
                if (OF_STREAMS.containsKey(name)) {
                    throw new IOException(place + ": '" + name + "' is a setting of Kafka Streams, which the conductor"
                            + " makes itself: " + OF_STREAMS.get(name) + "; remove it");
                }
                throw new IOException(place + ": Kafka's clients know no '" + name + "'"
                        + Nearest.to(name, KNOWN.keySet())
                                .map(near -> "; did you mean '" + near + "'?")
                                .orElse("; remove it"));
            }
            found.add(new Property(name, properties.getProperty(name), place));
        }
        return new KafkaFile(found);
    }

    /** The properties by name. */
    public Map<String, String> values() {
        return properties.stream().collect(Collectors.toMap(Property::name, Property::value));
    }

    private static String place(Path file, List<String> lines, String name) {
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.startsWith(name) && line.substring(name.length()).matches("(\\s*[=:]|\\s).*|")) {
                return file + ":" + (i + 1);
            }
        }
        return file.toString();
    }

    private static Map<String, ConfigDef.Type> known() {
        Map<String, ConfigDef.Type> known = new HashMap<>();
        for (ConfigDef client :
                List.of(AdminClientConfig.configDef(), ProducerConfig.configDef(), ConsumerConfig.configDef())) {
            client.configKeys().forEach((name, key) -> known.put(name, key.type));
        }
        known.put(PROVIDERS, ConfigDef.Type.LIST);
        return Map.copyOf(known);
    }
}
