package io.millrace.tests.compatibility;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.millrace.events.Device;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.StageName;
import io.millrace.events.wire.DeadLetters;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.TopicSpec;
import io.millrace.events.wire.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Headers;
import org.junit.jupiter.api.Test;

/** {@code schemas/asyncapi.yaml}, the creator of topics and the schemas say the same. */
class AsyncApiTest {
    private static final Device DEVICE = new Device("jetson");

    /** What the binding of AsyncAPI for Kafka can say of a topic. */
    private static final Set<String> DESCRIBED =
            Set.of("cleanup.policy", "retention.ms", "delete.retention.ms", "max.message.bytes");

    private final JsonNode api = read();

    @Test
    void everyTopicIsAChannelWithTheSamePartitionsAndSettings() {
        Map<String, TopicSpec> topics = new TreeMap<>();
        Topics.DEFAULT.fixed().forEach(topic -> topics.put(topic.name(), topic));
        TopicSpec jobs = Topics.DEFAULT.jobTopic(StageName.PRUNE, DEVICE);
        topics.put("millrace.jobs.{stage}.{device}", jobs);

        Map<String, JsonNode> channels = new TreeMap<>();
        api.get("channels")
                .forEach(channel -> channels.put(channel.get("address").asText(), channel));

        assertThat(channels.keySet()).isEqualTo(topics.keySet());
        topics.forEach((address, topic) -> {
            JsonNode kafka = channels.get(address).at("/bindings/kafka");
            assertThat(kafka.get("partitions").asInt()).as(address).isEqualTo(topic.partitions());
            assertThat(settings(kafka.get("topicConfiguration")))
                    .as(address)
                    .isEqualTo(topic.configs().entrySet().stream()
                            .filter(setting -> DESCRIBED.contains(setting.getKey()))
                            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
        });
    }

    @Test
    void jobTopicsAreNamedByStageAndDevice() {
        List<String> stages = new ArrayList<>();
        api.at("/channels/jobs/parameters/stage/enum").forEach(stage -> stages.add(stage.asText()));

        assertThat(stages)
                .isEqualTo(Arrays.stream(StageName.values())
                        .map(StageName::wireName)
                        .toList());
        assertThat(Topics.DEFAULT.jobs(StageName.PRUNE, DEVICE))
                .isEqualTo(api.at("/channels/jobs/address")
                        .asText()
                        .replace("{stage}", "prune")
                        .replace("{device}", DEVICE.name()));
    }

    @Test
    void everyEventIsAMessageOnAChannelAndNamesItsSchema() {
        Set<String> carried = new HashSet<>();
        api.get("channels")
                .forEach(channel -> channel.get("messages").fieldNames().forEachRemaining(carried::add));
        Set<String> messages = new HashSet<>();
        api.at("/components/messages").fieldNames().forEachRemaining(messages::add);
        Set<String> events = new HashSet<>(EventCodec.schemas().keySet());
        events.addAll(Set.of("Schema", "DeadLetter"));

        assertThat(messages).isEqualTo(events);
        assertThat(carried).isEqualTo(events);
        for (String event : EventCodec.schemas().keySet()) {
            String reference = api.at("/components/messages/" + event + "/payload/schema/$ref")
                    .asText();
            assertThat(reference).isEqualTo("./avro/" + event + ".avsc");
            assertThat(Files.exists(Repository.SCHEMAS.resolve(reference))).isTrue();
        }
    }

    @Test
    void everyReferenceLeadsSomewhereAndEveryChannelHasAnOperation() {
        Set<String> operated = new HashSet<>();
        api.get("operations")
                .forEach(operation -> operated.add(operation.at("/channel/$ref").asText()));

        for (JsonNode reference : api.findValues("$ref")) {
            if (reference.asText().startsWith("#")) {
                assertThat(api.at(reference.asText().substring(1)).isMissingNode())
                        .as(reference.asText())
                        .isFalse();
            }
        }
        api.get("channels")
                .fieldNames()
                .forEachRemaining(channel -> assertThat(operated).contains("#/channels/" + channel));
    }

    @Test
    void headersAreDescribed() {
        JobKey key = JobKey.parse("0".repeat(64));
        JobCancelled event = new JobCancelled(Optional.of(new ModelName("chat")), key, Instant.EPOCH, "");
        Headers eventHeaders = new EventRecords(Topics.DEFAULT, new EventCodec(), "test")
                .record(event)
                .headers();
        Headers letterHeaders = new DeadLetters(Topics.DEFAULT, "test")
                .record(new ConsumerRecord<>("t", 0, 0, "k", new byte[0]), "why")
                .headers();

        assertDescribed(eventHeaders, api.at("/components/schemas/EventHeaders"));
        assertDescribed(letterHeaders, api.at("/components/schemas/DeadLetterHeaders"));
    }

    private static void assertDescribed(Headers headers, JsonNode schema) {
        Set<String> present = new HashSet<>();
        headers.forEach(header -> present.add(header.key()));
        Set<String> described = new HashSet<>();
        schema.get("properties").fieldNames().forEachRemaining(described::add);
        Set<String> required = new HashSet<>();
        schema.get("required").forEach(name -> required.add(name.asText()));

        assertThat(described).containsAll(present);
        assertThat(present).containsAll(required);
    }

    private static Map<String, String> settings(JsonNode configuration) {
        Map<String, String> settings = new TreeMap<>();
        configuration.properties().forEach(setting -> settings.put(setting.getKey(), text(setting.getValue())));
        return settings;
    }

    private static String text(JsonNode value) {
        if (!value.isArray()) {
            return value.asText();
        }
        return value.valueStream().map(JsonNode::asText).collect(Collectors.joining(","));
    }

    private static JsonNode read() {
        try {
            return new YAMLMapper()
                    .readTree(Repository.SCHEMAS.resolve("asyncapi.yaml").toFile());
        } catch (IOException e) {
            throw new IllegalStateException("schemas/asyncapi.yaml is not YAML", e);
        }
    }
}
