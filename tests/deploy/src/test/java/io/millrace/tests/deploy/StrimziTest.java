package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.strimzi.api.kafka.model.kafka.Kafka;
import io.strimzi.api.kafka.model.kafka.KafkaClusterSpec;
import io.strimzi.api.kafka.model.nodepool.KafkaNodePool;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.server.config.AbstractKafkaConfig;
import org.junit.jupiter.api.Test;

/** Strimzi's Kafka is the one that Millrace needs. */
final class StrimziTest {
    @Test
    void theBrokersKnowEachOfTheirSettingsAndStrimziAllowsIt() {
        Set<String> settings = cluster().getSpec().getKafka().getConfig().keySet();

        assertThat(settings).isSubsetOf(AbstractKafkaConfig.CONFIG_DEF.names());
        assertThat(settings)
                .noneMatch(setting -> Stream.of(KafkaClusterSpec.FORBIDDEN_PREFIXES.split(", "))
                        .anyMatch(setting::startsWith));
        assertThat(cluster().getSpec().getKafka().getVersion()).isEqualTo(AppInfoParser.getVersion());
    }

    @Test
    void noTopicHasMoreCopiesThanThereAreBrokers() {
        int brokers = Manifest.all()
                .flatMap(manifest -> manifest.as(KafkaNodePool.class))
                .filter(pool -> pool.getSpec().getRoles().toString().contains("BROKER"))
                .mapToInt(pool -> pool.getSpec().getReplicas())
                .sum();

        assertThat(cluster().getSpec().getKafka().getConfig().entrySet().stream()
                        .filter(setting -> setting.getKey().endsWith("replication.factor"))
                        .map(Map.Entry::getValue))
                .hasSize(4)
                .allMatch(copies -> (int) copies == brokers);
        assertThat(Pods.all()
                        .map(pods -> pods.invocation().command())
                        .filter(command -> command.contains("--replication")))
                .hasSize(2)
                .allSatisfy(command -> assertThat(command.get(command.indexOf("--replication") + 1))
                        .isEqualTo("" + brokers));
    }

    static Kafka cluster() {
        return Manifest.all()
                .flatMap(manifest -> manifest.as(Kafka.class))
                .findFirst()
                .orElseThrow();
    }
}
