package io.millrace.worker;

import io.millrace.events.wire.Topics;
import java.util.Map;
import java.util.TreeMap;
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
}
