package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.Volume;
import io.millrace.events.Device;
import io.millrace.events.StageName;
import io.millrace.events.wire.TopicSpec;
import io.millrace.events.wire.Topics;
import io.strimzi.api.kafka.model.user.KafkaUser;
import io.strimzi.api.kafka.model.user.KafkaUserAuthorizationSimple;
import io.strimzi.api.kafka.model.user.acl.AclResourcePatternType;
import io.strimzi.api.kafka.model.user.acl.AclRule;
import io.strimzi.api.kafka.model.user.acl.AclRuleGroupResource;
import io.strimzi.api.kafka.model.user.acl.AclRuleTopicResource;
import io.strimzi.api.kafka.model.user.acl.AclRuleTransactionalIdResource;
import io.strimzi.api.kafka.model.user.acl.StrimziAclOperation;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.common.config.SaslConfigs;
import org.apache.kafka.streams.StreamsConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The services log in to Strimzi's Kafka as users who may do what the service does. */
final class KafkaUsersTest {
    private static final Topics TOPICS = Topics.DEFAULT;

    @TempDir
    Path folder;

    @Test
    void everyServiceLogsInAsAUserOfItsOwn() {
        Set<String> users = users().map(user -> user.getMetadata().getName()).collect(Collectors.toSet());

        assertThat(Pods.all())
                .allSatisfy(pods -> assertThat(secrets(pods))
                        .containsExactlyInAnyOrder(
                                StrimziTest.cluster().getMetadata().getName() + "-cluster-ca-cert",
                                "millrace-" + user(pods))
                        .anyMatch(users::contains));
        assertThat(Manifest.settings("millrace").get("MILLRACE_KAFKA"))
                .isEqualTo(StrimziTest.cluster().getMetadata().getName() + "-kafka-bootstrap:"
                        + StrimziTest.cluster()
                                .getSpec()
                                .getKafka()
                                .getListeners()
                                .getFirst()
                                .getPort());
    }

    /** Of the table that a secured broker has been run with. */
    @ParameterizedTest
    @CsvSource({
        "conductor, millrace-conductor",
        "pruner, millrace-pruner",
        "distiller, millrace-distiller",
        "quantizer, millrace-quantizer",
        "benchmarker, millrace-benchmarker",
        "publisher, millrace-trainer",
        "server, millrace-serving",
        "topics, millrace-topics",
        "operator, millrace-operator"
    })
    void theyMayDoWhatTheTableSays(String principal, String user) throws IOException {
        List<String> table = new ArrayList<>();
        for (JsonNode right :
                Repository.yaml(Repository.DEPLOY.resolve("acls.yaml")).get(principal)) {
            for (JsonNode operation : right.get("operations")) {
                table.add(String.join(
                        " ",
                        right.get("resource").asText(),
                        right.get("pattern").asText(),
                        TOPICS.prefix() + right.get("name").asText(),
                        operation.asText()));
            }
        }

        assertThat(users().filter(found -> found.getMetadata().getName().equals(user))
                        .flatMap(found -> rules(found).stream())
                        .flatMap(KafkaUsersTest::rights))
                .containsExactlyInAnyOrderElementsOf(table);
    }

    /** So what SecuredKafkaIT shows of the quantizer's is true of the others. */
    @Test
    void stagesDifferInTheirNamesOnly() {
        JsonNode table = Repository.yaml(Repository.DEPLOY.resolve("acls.yaml"));

        assertThat(Map.of("pruner", "prune", "distiller", "distill", "benchmarker", "benchmark"))
                .allSatisfy((service, stage) -> assertThat(table.get(service).toString())
                        .isEqualTo(table.get("quantizer").toString().replace("jobs.quantize.", "jobs." + stage + ".")));
    }

    private static Stream<String> rights(AclRule rule) {
        String resource = switch (rule.getResource()) {
            case AclRuleTopicResource topic -> "topic " + pattern(topic.getPatternType()) + topic.getName();
            case AclRuleGroupResource group -> "group " + pattern(group.getPatternType()) + group.getName();
            case AclRuleTransactionalIdResource id -> "transactionalId " + pattern(id.getPatternType()) + id.getName();
            default -> rule.getResource().getType();
        };
        return rule.getOperations().stream().map(operation -> resource + " " + operation.toValue());
    }

    private static String pattern(AclResourcePatternType type) {
        return type == AclResourcePatternType.PREFIX ? "prefixed " : "literal ";
    }

    @Test
    void aStageTakesNoJobsOfAnother() {
        for (StageName stage : StageName.values()) {
            String queues = TOPICS.jobs(stage, new Device("h100"));
            assertThat(users().filter(user -> rules(user).stream()
                                    .anyMatch(rule -> rule.getResource() instanceof AclRuleGroupResource group
                                            && queues.startsWith(group.getName())
                                            && rule.getOperations().contains(StrimziAclOperation.READ)))
                            .map(user -> user.getMetadata().getName()))
                    .as("who takes the jobs of " + stage)
                    .hasSize(1);
        }
    }

    @Test
    void everyRuleNamesATopicOfMillraceAndNobodyMayDoEverything() {
        Set<String> topics = TOPICS.fixed().stream().map(TopicSpec::name).collect(Collectors.toSet());

        assertThat(users())
                .hasSize(9)
                .allSatisfy(user -> assertThat(rules(user)).allSatisfy(rule -> {
                    assertThat(rule.getOperations())
                            .doesNotContain(StrimziAclOperation.ALL, StrimziAclOperation.DELETE);
                    if (rule.getResource() instanceof AclRuleTopicResource topic) {
                        if (topic.getPatternType() == AclResourcePatternType.LITERAL) {
                            assertThat(topic.getName()).isIn(topics);
                        } else {
                            assertThat(topic.getName()).startsWith(TOPICS.prefix());
                        }
                    }
                }));
    }

    /** The file in the ConfigMap names the password's file, which only a pod has; here both lie in a folder. */
    @Test
    void everyClientReadsItsPasswordFromTheSecret() throws Exception {
        String login =
                "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"u\" password=\"p\";";
        Files.writeString(folder.resolve("sasl.jaas.config"), login);
        Properties client = new Properties();
        client.load(new StringReader(
                Objects.requireNonNull(Manifest.settings("millrace-kafka").get("client.properties"))
                        .replace("/etc/millrace/kafka", folder.toString())));
        client.put("bootstrap.servers", "localhost:9093");
        client.put("application.id", "millrace.conductor");

        assertThat(new AdminClientConfig(client)
                        .getPassword(SaslConfigs.SASL_JAAS_CONFIG)
                        .value())
                .isEqualTo(login);
        assertThat(new StreamsConfig(client).getRestoreConsumerConfigs("restore"))
                .containsEntry(SaslConfigs.SASL_JAAS_CONFIG, login);
    }

    private static String user(Pods pods) {
        return pods.ofPeople() ? "operator" : pods.invocation().command().getFirst();
    }

    private static List<String> secrets(Pods pods) {
        return pods.spec().getVolumes().stream()
                .map(Volume::getProjected)
                .filter(Objects::nonNull)
                .flatMap(projected -> projected.getSources().stream())
                .filter(source -> source.getSecret() != null)
                .map(source -> source.getSecret().getName())
                .toList();
    }

    private static Stream<KafkaUser> users() {
        return Manifest.all().flatMap(manifest -> manifest.as(KafkaUser.class));
    }

    private static List<AclRule> rules(KafkaUser user) {
        return ((KafkaUserAuthorizationSimple) user.getSpec().getAuthorization()).getAcls();
    }
}
