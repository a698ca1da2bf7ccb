package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.benchmarks.Checkpoints;
import io.millrace.cli.Main;
import io.millrace.client.LatestModels;
import io.millrace.client.Publisher;
import io.millrace.conductor.Conductor;
import io.millrace.conductor.ConductorSettings;
import io.millrace.conductor.run.Limits;
import io.millrace.events.Device;
import io.millrace.events.Event;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Recipe;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.KafkaRefusal;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.Topics;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import io.millrace.tests.deploy.RecordingAuthorizer.Asked;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stage;
import io.millrace.worker.Worker;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.configuration.KafkaFile;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.QueueLag;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** A Kafka with TLS, SCRAM and an authorizer, where each service is a user with the rights of {@code deploy/acls.yaml}. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class SecuredKafkaIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final List<Right> RIGHTS = Right.all();
    private static final String STORE = "memory:secured";

    /**
     * What the run of an accepted model does not need, and what it is tried on: a device that is new, a job that is
     * cancelled, a model that is rejected, a record that nobody can read, an operator who looks, retries or cancels.
     */
    private static final Map<String, String> OF_OTHER_RUNS = Map.of(
            "conductor CREATE millrace.jobs.", "millrace.jobs.quantize.h100",
            "conductor WRITE millrace.cancellations", "millrace.cancellations",
            "conductor WRITE millrace.rejections", "millrace.rejections",
            "conductor WRITE millrace.dead-letters", "millrace.dead-letters",
            "quantizer WRITE millrace.dead-letters", "millrace.dead-letters",
            "benchmarker WRITE millrace.dead-letters", "millrace.dead-letters",
            "operator READ millrace.", "millrace.models",
            "operator WRITE millrace.job-events", "millrace.job-events");

    @TempDir
    static Path folder;

    private static SecuredBroker broker;
    private static Admin root;
    private static Set<Asked> asked = Set.of();

    @BeforeAll
    static void start() throws Exception {
        RecordingAuthorizer.forget();
        broker = SecuredBroker.start(folder, RIGHTS.stream().map(Right::service).collect(Collectors.toSet()));
        root = Admin.create(Map.of("bootstrap.servers", broker.open()));
        root.createAcls(RIGHTS.stream().map(Right::binding).toList()).all().get();
    }

    @AfterAll
    static void stop() {
        if (root != null) {
            root.close();
        }
        if (broker != null) {
            broker.close();
        }
    }

    @Test
    @Order(1)
    void aCheckpointRunsThroughWithExactlyTheRightsOfTheTable() throws Exception {
        assertThat(millrace("topics", "apply", "--kafka-config", file("operator")))
                .isEmpty();
        ArtifactStore store = Stores.open(STORE);
        Checkpoints checkpoints = Checkpoints.in(store);
        try (Conductor conductor = conductor();
                QueueLag _ = QueueLag.start(kafka("conductor"), Topics.DEFAULT, ProcessMetrics.registry());
                Worker _ =
                        worker("quantizer", new MeasuredStage<>(Parameters.Quantize.class, new AtomicBoolean(true)));
                Worker _ = worker(
                        "benchmarker", new MeasuredStage<>(Parameters.Benchmark.class, new AtomicBoolean(true)));
                LatestModels models = new LatestModels(kafka("server"), Topics.DEFAULT.prefix());
                Publisher _ = new Publisher(kafka("publisher"), store, Topics.DEFAULT.prefix())) {
            send("operator", policy(checkpoints));
            send("publisher", Checkpoints.event(0, 1, checkpoints.weights(1)));

            List<ModelPublished> published = new ArrayList<>();
            Awaitility.await("an accepted model").atMost(PATIENCE).until(() -> {
                published.addAll(models.next(Duration.ofMillis(200)));
                return !published.isEmpty();
            });

            assertThat(conductor.isRunning()).isTrue();
        }
        eachMeetsANewTopicOfSchemas();
        asked = RecordingAuthorizer.asked();
        assertThat(refused()).as("denied, so missing in deploy/acls.yaml").isEmpty();
    }

    @Test
    @Order(2)
    void eachRightThatIsTakenAwayIsMissedAndNamed() throws Exception {
        List<String> unused = new ArrayList<>();
        for (Right right : RIGHTS) {
            if (right.service().equals("pruner") || right.service().equals("distiller")) {
                continue; // as the quantizer, with another stage's name
            }
            Optional<String> resource = asked.stream()
                    .filter(one -> one.operation() == right.operation())
                    .filter(Asked::allowed)
                    .filter(right::gives)
                    .filter(one -> RIGHTS.stream().allMatch(other -> other.equals(right) || !other.gives(one)))
                    .map(Asked::name)
                    .findFirst()
                    .or(() -> Optional.ofNullable(
                            OF_OTHER_RUNS.get(right.service() + " " + right.operation() + " " + right.name())));
            if (resource.isEmpty()) {
                unused.add(right.toString());
                continue;
            }
            missed(right, resource.get());
        }
        assertThat(unused).as("rows that nothing needed").isEmpty();
    }

    @Test
    @Order(3)
    void wrongPasswordAndExpiredCertificateAreNamed() throws Exception {
        assertThat(millrace(
                        "runs",
                        "--kafka-config",
                        broker.clientFile("operator", "wrong").toString()))
                .contains(broker.address() + " refuses User:operator: Authentication failed")
                .contains("--kafka-config")
                .doesNotContain("wrong");
        String file = file("operator");

        assertThat(millrace("runs", "--kafka", broker.expired(), "--kafka-config", file))
                .contains("the certificate of the broker at " + broker.expired() + " has expired (NotAfter:");
    }

    /** Above, the first to start wrote them all, and nobody met an event of a newer version. */
    private static void eachMeetsANewTopicOfSchemas() throws Exception {
        String topic = Topics.DEFAULT.schemas();
        for (Right right : RIGHTS) {
            if (!right.name().equals(topic)) {
                continue;
            }
            if (right.operation() == AclOperation.WRITE) {
                root.deleteTopics(List.of(topic)).all().get();
                root.createTopics(List.of(new NewTopic(topic, 1, (short) 1)))
                        .all()
                        .get();
            }
            try (SchemaTopic schemas = new SchemaTopic(kafka(right.service()), Topics.DEFAULT)) {
                if (right.operation() == AclOperation.WRITE) {
                    schemas.publishOwn();
                } else {
                    assertThat(schemas.find(1)).isEmpty();
                }
            }
        }
    }

    private static Set<String> refused() {
        return asked.stream()
                .filter(one -> !one.allowed())
                .map(Asked::toString)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    /** Without the right the same client of the same user hears no, and what it is told names user and resource. */
    private static void missed(Right right, String resource) throws Exception {
        root.deleteAcls(List.of(right.binding().toFilter())).all().get();
        Map<String, Object> kafka = kafka(right.service());
        try (Admin admin = Admin.create(kafka)) {
            Awaitility.await(right + " is missed")
                    .atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> {
                        String said = "it was let";
                        try {
                            new Need(right, resource, kafka).ask(admin);
                        } catch (Exception e) {
                            said = KafkaRefusal.of(e, kafka).orElse(e.toString());
                        }
                        assertThat(said).as(right.toString()).startsWith("Kafka denies User:" + right.service());
                    });
        } finally {
            root.createAcls(List.of(right.binding())).all().get();
        }
    }

    private static Conductor conductor() throws Exception {
        Conductor conductor = Conductor.start(new ConductorSettings(
                kafka("conductor"),
                Topics.DEFAULT,
                Topics.DEFAULT.prefix() + "conductor",
                folder.resolve("state"),
                (short) 1,
                1,
                Limits.DEFAULT,
                ConductorSettings.Pace.LOCAL,
                ProcessMetrics.registry(),
                _ -> {}));
        assertThat(conductor.awaitRunning(PATIENCE)).as("the conductor runs").isTrue();
        return conductor;
    }

    private static Worker worker(String service, Stage<?> stage) throws Exception {
        return Worker.start(
                stage,
                new WorkerSettings(
                        service,
                        new KafkaSettings(
                                broker.address(),
                                KafkaFile.read(Path.of(file(service))).values(),
                                Topics.DEFAULT),
                        STORE,
                        List.of(Device.CPU),
                        1,
                        folder.resolve("work").resolve(service),
                        OptionalInt.empty(),
                        WorkerSettings.Limits.DEFAULT));
    }

    private static Policy policy(Checkpoints checkpoints) {
        Target target = new Target(
                "phone",
                Device.CPU,
                Device.CPU,
                new TextUse(checkpoints.text(), 64, 256, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), Device.CPU)))),
                new Gate(List.of(new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, 1))));
        return new Policy("secured", "*", Policy.OnNewer.KEEP, List.of(target), 1, 1);
    }

    private static void send(String user, Event event) throws Exception {
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(kafka(user), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new EventRecords(Topics.DEFAULT, new EventCodec(), "test").record(event))
                    .get();
        }
    }

    /** What a command wrote to standard error. */
    private static String millrace(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        if (!all.contains("--kafka")) {
            all.addAll(List.of("--kafka", broker.address()));
        }
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine(Map.of());
        line.setErr(new PrintWriter(err, true));
        line.setOut(new PrintWriter(new StringWriter()));
        line.execute(all.toArray(String[]::new));
        return err.toString();
    }

    private static String file(String user) throws Exception {
        return broker.clientFile(user, SecuredBroker.PASSWORD + user).toString();
    }

    private static Map<String, Object> kafka(String user) throws Exception {
        Map<String, Object> kafka =
                new HashMap<>(KafkaFile.read(Path.of(file(user))).values());
        kafka.put("bootstrap.servers", broker.address());
        return kafka;
    }
}
