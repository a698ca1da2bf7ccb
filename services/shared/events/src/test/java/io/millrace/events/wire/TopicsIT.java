package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Device;
import io.millrace.events.JobCancelled;
import io.millrace.events.Samples;
import io.millrace.events.StageName;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class TopicsIT {
    private static final String LOCK = "share.record.lock.duration.ms";
    private static final List<Device> DEVICES = List.of(Device.CPU, new Device("h100"));

    @TempDir
    static Path folder;

    private static OneBroker broker;
    private static Map<String, Object> kafka;
    private static Admin admin;

    @BeforeAll
    static void start() {
        broker = new OneBroker(folder);
        kafka = Map.of("bootstrap.servers", broker.address());
        admin = Admin.create(kafka);
    }

    @AfterAll
    static void stop() {
        admin.close();
        broker.close();
    }

    @Test
    void applyingMakesTheClusterAsItShouldBeAndApplyingAgainChangesNothing() throws Exception {
        Topics topics = new Topics("apply.");
        assertThat(TopicAdmin.problems(admin, topics, DEVICES))
                .contains(
                        "topic 'apply.checkpoints' and 18 more of this prefix do not exist; run 'millrace topics apply --kafka HOST:PORT --devices cpu,h100 --topic-prefix apply.'");

        TopicAdmin.apply(admin, topics, DEVICES, (short) 1);
        TopicAdmin.apply(admin, topics, DEVICES, (short) 1);

        assertThat(TopicAdmin.problems(admin, topics, DEVICES)).isEmpty();
        assertThat(setting(ConfigResource.Type.TOPIC, "apply.runs", "cleanup.policy"))
                .isEqualTo("compact");
        assertThat(setting(ConfigResource.Type.TOPIC, "apply.jobs.prune.h100", "retention.ms"))
                .isEqualTo("1209600000");
        String group = topics.shareGroup(StageName.QUANTIZE, Device.CPU);
        assertThat(setting(ConfigResource.Type.GROUP, group, "share.auto.offset.reset"))
                .isEqualTo("earliest");
        assertThat(setting(ConfigResource.Type.GROUP, group, "share.isolation.level"))
                .isEqualTo("read_committed");
    }

    @Test
    void changedNumberOfPartitionsIsRefusedBeforeAnythingIsCreated() throws Exception {
        Topics topics = new Topics("refused.");
        admin.createTopics(List.of(new NewTopic(topics.jobEvents(), 3, (short) 1)))
                .all()
                .get();
        while (!admin.listTopics().names().get().contains(topics.jobEvents())) {
            Thread.onSpinWait();
        }

        assertThatThrownBy(() -> TopicAdmin.apply(admin, topics, DEVICES, (short) 1))
                .isInstanceOf(InvalidPartitionsException.class)
                .hasMessageStartingWith("topic 'refused.job-events' has 3 partitions but must have 12");
        assertThat(admin.listTopics().names().get()).doesNotContain(topics.checkpoints());
    }

    @Test
    void groupThatSomebodySetOtherwiseIsAProblem() throws Exception {
        Topics topics = new Topics("group.");
        TopicAdmin.apply(admin, topics, List.of(Device.CPU), (short) 1);
        ConfigResource group =
                new ConfigResource(ConfigResource.Type.GROUP, topics.shareGroup(StageName.PRUNE, Device.CPU));

        admin.incrementalAlterConfigs(Map.of(
                        group,
                        List.of(new AlterConfigOp(
                                new ConfigEntry("share.isolation.level", "read_uncommitted"),
                                AlterConfigOp.OpType.SET))))
                .all()
                .get();

        List<String> problems = TopicAdmin.problems(admin, topics, List.of(Device.CPU));
        while (problems.isEmpty()) {
            problems = TopicAdmin.problems(admin, topics, List.of(Device.CPU));
        }
        assertThat(problems)
                .containsExactly(
                        "share group 'group.jobs.prune.cpu' has share.isolation.level=read_uncommitted instead"
                                + " of read_committed; run 'millrace topics apply --kafka HOST:PORT --devices cpu --topic-prefix group.' before its workers start");
    }

    @Test
    void aLockThatAnOperatorChoseStandsAndOneThatDoesNotWorkIsMended() throws Exception {
        Topics topics = new Topics("lock.");
        TopicAdmin.apply(admin, topics, List.of(Device.CPU), (short) 1);
        String chosen = topics.shareGroup(StageName.PRUNE, Device.CPU);
        String tooShort = topics.shareGroup(StageName.DISTILL, Device.CPU);
        lock(chosen, "15000");
        lock(tooShort, "1000");

        List<String> problems = TopicAdmin.problems(admin, topics, List.of(Device.CPU));
        TopicAdmin.apply(admin, topics, List.of(Device.CPU), (short) 1);

        assertThat(problems).singleElement().asString().contains("'" + tooShort + "'", "=1000, expected 5000 to");
        assertThat(setting(ConfigResource.Type.GROUP, chosen, LOCK)).isEqualTo("15000");
        assertThat(setting(ConfigResource.Type.GROUP, tooShort, LOCK)).isEqualTo("30000");
    }

    private static void lock(String group, String millis) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
        ConfigEntry entry = new ConfigEntry(LOCK, millis);
        admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(entry, AlterConfigOp.OpType.SET))))
                .all()
                .get();
        while (!setting(ConfigResource.Type.GROUP, group, LOCK).equals(millis)) {
            Thread.onSpinWait();
        }
    }

    /** A rolling upgrade: the writer has a field, and a schema, that this version was not built with. */
    @Test
    void eventOfANewerWriterIsReadThroughTheTopicOfSchemas() throws Exception {
        Topics topics = new Topics("schemas.");
        TopicAdmin.apply(admin, topics, List.of(Device.CPU), (short) 1);
        Schema newer = new Schema.Parser()
                .parse(EventCodec.schemas()
                        .get("JobCancelled")
                        .toString()
                        .replace(
                                "\"fields\":[",
                                "\"fields\":[{\"name\":\"who\",\"type\":\"string\",\"default\":\"\"},"));
        byte[] event = bytes(newer);

        try (SchemaTopic schemas = new SchemaTopic(kafka, topics)) {
            schemas.publishOwn();
            EventCodec codec = new EventCodec(schemas);
            assertThat(codec.decode(event)).isInstanceOf(Decoded.Undecodable.class);

            publish(topics, "not a fingerprint", "not a schema");
            publish(topics, "nor this", "\"a JSON text\"");
            publish(topics, Schemas.hex(Schemas.fingerprint(newer)), newer.toString());

            assertThat(codec.decode(event))
                    .isEqualTo(new Decoded.Known(new JobCancelled(
                            Optional.of(Samples.REF.model()), Samples.REF.key(), Samples.AT, "superseded")));
        }
    }

    @Test
    void everySchemaOfThisVersionIsFoundAndPublishedOnce() throws Exception {
        Topics topics = new Topics("own.");
        TopicAdmin.apply(admin, topics, List.of(Device.CPU), (short) 1);

        try (SchemaTopic writer = new SchemaTopic(kafka, topics);
                SchemaTopic again = new SchemaTopic(kafka, topics);
                SchemaTopic reader = new SchemaTopic(kafka, topics)) {
            writer.publishOwn();
            again.publishOwn();

            for (Schema schema : EventCodec.schemas().values()) {
                assertThat(reader.find(Schemas.fingerprint(schema))).contains(schema);
            }
            assertThat(reader.find(42)).isEmpty();
        }
        var partition = new TopicPartition(topics.schemas(), 0);
        assertThat(admin.listOffsets(Map.of(partition, OffsetSpec.latest()))
                        .partitionResult(partition)
                        .get()
                        .offset())
                .isEqualTo(EventCodec.schemas().size());
    }

    private static String setting(ConfigResource.Type type, String name, String setting) throws Exception {
        ConfigResource resource = new ConfigResource(type, name);
        Map<ConfigResource, Config> configs =
                admin.describeConfigs(List.of(resource)).all().get();
        return Optional.ofNullable(configs.get(resource))
                .map(config -> config.get(setting))
                .map(ConfigEntry::value)
                .orElseThrow();
    }

    private static void publish(Topics topics, String key, String schema) throws Exception {
        try (var producer = new KafkaProducer<>(kafka, new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(topics.schemas(), key, schema.getBytes(StandardCharsets.UTF_8)))
                    .get();
        }
    }

    private static byte[] bytes(Schema schema) throws Exception {
        GenericRecord record = new GenericData.Record(schema);
        record.put("who", "ada");
        record.put("job", Samples.REF.key().toString());
        record.put("at", Samples.AT.toEpochMilli());
        record.put("why", "superseded");
        record.put("model", Samples.REF.model().value());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(ByteBuffer.allocate(10)
                .putShort((short) 0xC301)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(Schemas.fingerprint(schema))
                .array());
        BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
        new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
        return out.toByteArray();
    }
}
