package io.millrace.worker;

import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * How to reach Kafka.
 *
 * @param clientProperties security and other settings that every client gets, as in a client properties file
 */
public record KafkaSettings(String bootstrapServers, Map<String, String> clientProperties, Topics topics) {
    public KafkaSettings {
        clientProperties = Map.copyOf(clientProperties);
    }

    /** Settings for one client of this process. */
    public Map<String, Object> client(String clientId) {
        Map<String, Object> client = new TreeMap<>(clientProperties);
        client.put(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG, bootstrapServers);
        client.put(CommonClientConfigs.CLIENT_ID_CONFIG, clientId);
        return client;
    }

    /** Reads a client properties file. */
    public static Map<String, String> read(Path file) throws IOException {
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
            properties.load(reader);
        } catch (IllegalArgumentException malformed) {
            throw new IOException(file + ": " + malformed.getMessage() + "; expected 'name=value' lines", malformed);
        }
        return properties.stringPropertyNames().stream()
                .collect(Collectors.toMap(name -> name, name -> properties.getProperty(name)));
    }
}
