package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.nio.file.Path;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What Kafka's own clients throw; brokers that refuse are tried in the tests of deployment. */
class KafkaRefusalTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({
        "bootstrap.servers, kafka, Invalid url in bootstrap.servers: kafka",
        "bootstrap.servers, kafka:port, Invalid url in bootstrap.servers: kafka:port",
        "security.protocol, SLS, Invalid value SLS for configuration security.protocol"
    })
    void aSettingThatNoClientTakesIsNamed(String name, String value, String why) {
        Map<String, Object> settings = name.equals("bootstrap.servers")
                ? Map.of(name, value)
                : Map.of("bootstrap.servers", "127.0.0.1:1", name, value);

        Throwable error = catchThrowable(() -> Admin.create(settings).close());

        assertThat(KafkaRefusal.isOfSettings(error)).isTrue();
        assertThat(KafkaRefusal.of(error, settings))
                .hasValueSatisfying(said -> assertThat(said)
                        .startsWith("Kafka's clients cannot be set up so: " + why)
                        .endsWith("; check --kafka, which is HOST:PORT, and the file of --kafka-config"));
    }

    @Test
    void aGroupWithoutANameIsNamed() {
        Map<String, Object> settings = Map.of("bootstrap.servers", "127.0.0.1:1", "group.id", "");

        Throwable error = catchThrowable(
                () -> new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer()).close());

        assertThat(KafkaRefusal.of(error, settings))
                .hasValueSatisfying(said -> assertThat(said).contains("group.id should not be an empty string"));
    }

    /** Kafka calls a trust store a key store, and has another text for those in PEM. */
    @ParameterizedTest
    @CsvSource({"PEM, Failed to load PEM SSL keystore", "PKCS12, Failed to load SSL keystore"})
    void aTrustStoreThatIsNotThereIsNamed(String type, String why) {
        Path nowhere = folder.resolve("ca.crt");
        Map<String, Object> settings = Map.of(
                "bootstrap.servers",
                "127.0.0.1:1",
                "security.protocol",
                "SSL",
                "ssl.truststore.type",
                type,
                "ssl.truststore.location",
                nowhere.toString());

        Throwable error = catchThrowable(() -> Admin.create(settings).close());

        assertThat(KafkaRefusal.of(error, settings))
                .hasValueSatisfying(said -> assertThat(said)
                        .startsWith(why + " " + nowhere)
                        .contains("check location, type and password of ssl.truststore"));
    }

    /** It may be the network, and is tried again. */
    @Test
    void aNameThatDoesNotResolveIsNoRefusal() {
        Map<String, Object> settings = Map.of("bootstrap.servers", "kafka.invalid:9092");

        Throwable error = catchThrowable(() -> Admin.create(settings).close());

        assertThat(error).isNotNull();
        assertThat(KafkaRefusal.isOfSettings(error)).isFalse();
        assertThat(KafkaRefusal.of(error, settings)).isEmpty();
    }
}
