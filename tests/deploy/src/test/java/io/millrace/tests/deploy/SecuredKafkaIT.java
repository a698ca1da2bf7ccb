package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.benchmarks.Checkpoints;
import io.millrace.cli.Connection;
import io.millrace.cli.Main;
import io.millrace.cli.TopicFollower;
import io.millrace.client.LatestModels;
import io.millrace.client.ModelSubscriber;
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
import io.millrace.events.RunChanged;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import io.millrace.events.wire.SchemaTopic;
import io.millrace.events.wire.TopicAdmin;
import io.millrace.events.wire.Topics;
import io.millrace.store.Stores;
import io.millrace.tests.deploy.RecordingAuthorizer.Asked;
import io.millrace.worker.KafkaSettings;
import io.millrace.worker.Stage;
import io.millrace.worker.Worker;
import io.millrace.worker.WorkerSettings;
import io.millrace.worker.configuration.KafkaFile;
import io.millrace.worker.observe.ProcessMetrics;
import io.millrace.worker.observe.QueueLag;
import io.millrace.worker.report.StartCheck;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.SecurityUtils;
import org.assertj.core.api.InstanceOfAssertFactories;
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

    /** As the quantizer, with another stage's name: KafkaUsersTest compares them. */
    private static final Set<String> LIKE_THE_QUANTIZER = Set.of("pruner", "distiller");

    @TempDir
    static Path folder;

    private static SecuredBroker broker;
    private static Admin root;
    private static Set<Asked> asked = Set.of();
    private static Optional<RunChanged> waited = Optional.empty();

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

    /**
     * One target gets a model, one a refusal, and one waits for a device that nobody has until it is cancelled. In each
     * topic of records lies one that nobody can read.
     */
    @Test
    @Order(1)
    void whatServicesAndPeopleDoNeedsTheRightsOfTheTable() throws Exception {
        assertThat(millrace("topics", "apply", "--kafka-config", file("topics")))
                .isEmpty();
        // As 'millrace doctor' does, which also looks at this machine.
        try (Admin admin = Admin.create(kafka("operator"))) {
            assertThat(TopicAdmin.problems(admin, Topics.DEFAULT, List.of(Device.CPU)))
                    .isEmpty();
        }
        Checkpoints checkpoints = Checkpoints.in(Stores.open(STORE));
        String models = Topics.DEFAULT.prefix();
        try (Conductor conductor = conductor();
                QueueLag _ = QueueLag.start(kafka("conductor"), Topics.DEFAULT, ProcessMetrics.registry());
                Worker _ =
                        worker("quantizer", new MeasuredStage<>(Parameters.Quantize.class, new AtomicBoolean(true)));
                Worker _ = worker(
                        "benchmarker", new MeasuredStage<>(Parameters.Benchmark.class, new AtomicBoolean(true)));
                LatestModels latest = new LatestModels(kafka("server"), models);
                ModelSubscriber serving = new ModelSubscriber(kafka("server"), models, models + "serving-chat");
                ModelSubscriber watching = new ModelSubscriber(kafka("operator"), models, models + "subscribe-1")) {
            send("operator", policy(checkpoints));
            assertThat(publish()).isEmpty();
            unreadable("checkpoints", "jobs.quantize.cpu", "jobs.benchmark.cpu");

            List<ModelPublished> published = new ArrayList<>();
            Awaitility.await("an accepted model").atMost(PATIENCE).until(() -> {
                published.addAll(latest.next(Duration.ofMillis(200)));
                return !published.isEmpty();
            });
            cancelTheOneThatWaits();
            for (ModelSubscriber subscriber : List.of(serving, watching)) {
                Awaitility.await("the model for a group")
                        .atMost(PATIENCE)
                        .until(() -> !subscriber.poll(Duration.ofMillis(200)).isEmpty());
            }
            Awaitility.await("three dead letters")
                    .atMost(PATIENCE)
                    .until(() -> RecordingAuthorizer.asked().stream()
                                    .filter(one -> one.operation() == AclOperation.WRITE)
                                    .filter(one -> one.name().equals(Topics.DEFAULT.deadLetters()))
                                    .count()
                            == 3);
            assertThat(millrace("dead-letters", "replay", "0", "--kafka-config", file("operator")))
                    .isEmpty();
            assertThat(conductor.isRunning()).isTrue();
        }
        eachMeetsANewTopicOfSchemas();
        Set<String> users = RIGHTS.stream().map(Right::service).collect(Collectors.toSet());
        asked = RecordingAuthorizer.asked().stream()
                .filter(one -> users.contains(one.user()))
                .collect(Collectors.toSet());
        assertThat(refused()).as("denied, so missing in deploy/acls.yaml").isEmpty();
    }

    @Test
    @Order(2)
    void withoutAnyOneOfThemSomethingThatWasDoneIsDenied() {
        assertThat(asked.stream().filter(Predicate.not(RecordingAuthorizer.with(RIGHTS))))
                .as("what all rights together do not allow")
                .isEmpty();

        assertThat(tried())
                .allSatisfy(right -> assertThat(asked)
                        .as("what was done by right of " + right + " alone")
                        .anyMatch(Predicate.not(RecordingAuthorizer.with(RIGHTS.stream()
                                .filter(other -> !other.equals(right))
                                .toList()))));
    }

    @Test
    @Order(3)
    void whoMayNotIsToldWhoWasDeniedWhatAndHowToGiveIt() throws Exception {
        root.deleteAcls(RIGHTS.stream().map(right -> right.binding().toFilter()).toList())
                .all()
                .get();
        try {
            for (String user : tried().stream().map(Right::service).distinct().toList()) {
                try (RightsClient client = new RightsClient(kafka(user))) {
                    for (Right right : tried()) {
                        if (right.service().equals(user)) {
                            missed(client, right);
                        }
                    }
                }
            }
            productSaysSo();
        } finally {
            root.createAcls(RIGHTS.stream().map(Right::binding).toList()).all().get();
        }
    }

    @Test
    @Order(4)
    void whatKeepsAClientOutIsNamed() throws Exception {
        Path wrongPassword = broker.clientFile("operator", "wrong");
        assertThat(runs(broker.address(), wrongPassword))
                .contains(broker.address() + " refuses User:operator: Authentication failed")
                .contains("--kafka-config")
                .doesNotContain("wrong");
        Path good = Path.of(file("operator"));
        assertThat(runs(broker.expired(), good))
                .contains("the certificate of the broker at " + broker.expired() + " has expired (NotAfter:");
        assertThat(runs(broker.unnamed(), good))
                .contains("the certificate of the broker at " + broker.unnamed() + " is not for this host (No subject");
        assertThat(runs(broker.address(), broker.clientFile("operator", "SCRAM-SHA-512", "SCRAM-SHA-256")))
                .contains("does not let User:operator log in so: Client SASL mechanism 'SCRAM-SHA-256' not enabled")
                .contains("[SCRAM-SHA-512]; set sasl.mechanism");
        String trust = "ssl.truststore.type=%s\nssl.truststore.location=" + folder;
        Path wrongStore = broker.clientFile(
                "operator",
                trust.formatted("PEM") + "/authority.pem",
                trust.formatted("PKCS12") + "/good.p12\nssl.truststore.password=wrong");
        assertThat(runs(broker.address(), wrongStore))
                .contains("Failed to load SSL keystore " + folder + "/good.p12")
                .contains("password was incorrect")
                .contains("check location, type and password of ssl.truststore");
    }

    /** Kafka lists to each user the topics that he may see; a queue less would be a reason less to keep what a run needs. */
    @Test
    @Order(5)
    void garbageIsNotCollectedByWhoDoesNotSeeTheQueueOfALiveRun() throws Exception {
        RunChanged run = waited.orElseThrow();
        send("conductor", run);
        String queue =
                Topics.DEFAULT.jobs(run.stage().orElseThrow(), run.device().orElseThrow());
        String[] gc = {"store", "gc", "--dry-run", "--store", STORE, "--kafka-config", file("operator")};
        assertThat(millrace(gc)).doesNotContain("millrace: ");
        AclBinding hidden = new AclBinding(
                new ResourcePattern(ResourceType.TOPIC, Topics.DEFAULT.prefix() + "jobs.", PatternType.PREFIXED),
                new AccessControlEntry("User:operator", "*", AclOperation.ALL, AclPermissionType.DENY));

        root.createAcls(List.of(hidden)).all().get();
        try {
            Awaitility.await("what is hidden")
                    .atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertThat(millrace(gc))
                            .contains("Kafka denies User:operator Describe on topic " + queue + ";")
                            .contains("--allow-principal User:operator --operation Describe --topic " + queue));
        } finally {
            root.deleteAcls(List.of(hidden.toFilter())).all().get();
        }
    }

    private static String runs(String address, Path file) {
        return millrace("runs", "--kafka", address, "--kafka-config", file.toString());
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

    private static List<Right> tried() {
        return RIGHTS.stream()
                .filter(right -> !LIKE_THE_QUANTIZER.contains(right.service()))
                .toList();
    }

    /** Tried on something that was done by no other right. */
    private static void missed(RightsClient client, Right right) {
        String resource = asked.stream()
                .filter(one -> one.operation() == right.operation())
                .filter(one -> RIGHTS.stream()
                        .filter(other -> other.gives(one))
                        .toList()
                        .equals(List.of(right)))
                .map(Asked::name)
                .min(Comparator.naturalOrder())
                .orElseThrow(() -> new AssertionError("nothing was done by right of " + right + " alone"));
        RecordingAuthorizer.forget();
        String kind = right.resource().name().toLowerCase(Locale.ROOT);

        // The broker may not have heard of it yet.
        Awaitility.await(right + " is missed")
                .atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(client.told(right, resource))
                        .startsWith("Kafka denies User:" + right.service() + " ")
                        .contains(SecurityUtils.operationName(right.operation()))
                        .contains(kind.replace('_', ' ') + " " + resource + ";")
                        .contains("--allow-principal User:" + right.service())
                        .contains("--" + kind.replace('_', '-') + " " + resource));
        assertThat(RecordingAuthorizer.asked())
                .as("what Kafka denied")
                .anyMatch(one -> !one.allowed() && right.gives(one));
    }

    /** The services and commands, not only clients like theirs. */
    private static void productSaysSo() throws Exception {
        assertThat(millrace("topics", "apply", "--kafka-config", file("topics")))
                .contains("Kafka denies User:topics Describe on topic millrace.");
        assertThat(millrace("policy", "list", "--kafka-config", file("operator")))
                .contains("Kafka denies User:operator Read on topic millrace.policies;");
        assertThat(StartCheck.await(
                        kafka("quantizer"), Topics.DEFAULT, List.of(Device.CPU), Duration.ZERO, System::nanoTime))
                .singleElement(InstanceOfAssertFactories.STRING)
                .contains("Kafka denies User:quantizer Describe on topic millrace.");
        assertThat(publish()).contains("Kafka denies User:publisher Read on topic millrace.policies;");
        assertThatThrownBy(() -> new Publisher(kafka("publisher"), Stores.open(STORE), Topics.DEFAULT.prefix()))
                .hasMessageContaining("Kafka denies User:publisher Write on topic millrace.checkpoints;");
    }

    /** As 'millrace runs' and 'millrace cancel' do it. */
    private static void cancelTheOneThatWaits() throws Exception {
        Connection connection = new Connection(kafka("operator"), Topics.DEFAULT, Optional.empty());
        Map<String, RunChanged> runs = new HashMap<>();
        try (TopicFollower<RunChanged> follower =
                new TopicFollower<>(connection, Topics.DEFAULT.runs(), RunChanged.class)) {
            awaitEnded(2, runs, follower);
            RunChanged waiting = Objects.requireNonNull(runs.get("lab"));
            waited = Optional.of(waiting);

            assertThat(millrace("cancel", waiting.run().toString(), "--kafka-config", file("operator")))
                    .isEmpty();

            awaitEnded(3, runs, follower);
        }
    }

    private static void awaitEnded(int count, Map<String, RunChanged> runs, TopicFollower<RunChanged> follower) {
        Awaitility.await(count + " runs that ended").atMost(PATIENCE).until(() -> {
            follower.next(Duration.ofMillis(200)).forEach(run -> runs.put(run.target(), run));
            return runs.values().stream().filter(run -> run.status().ended()).count() == count;
        });
    }

    /** By the right that 'millrace dead-letters replay' needs, which brings back what was lost before. */
    private static void unreadable(String... topics) throws Exception {
        try (RightsClient client = new RightsClient(kafka("operator"))) {
            for (String topic : topics) {
                client.write(Topics.DEFAULT.prefix() + topic);
            }
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
        return new Policy(
                "secured",
                "*",
                Policy.OnNewer.KEEP,
                List.of(
                        target("phone", checkpoints, Device.CPU, 1),
                        target("strict", checkpoints, Device.CPU, MeasuredStage.PERPLEXITY_INCREASE / 2),
                        target("lab", checkpoints, new Device("h100"), 1)),
                1,
                1);
    }

    private static Target target(String name, Checkpoints checkpoints, Device device, double most) {
        return new Target(
                name,
                device,
                device,
                new TextUse(checkpoints.text(), 64, 256, 0),
                Optional.empty(),
                List.of(new Recipe(List.of(new Step(new Parameters.Gguf("Q8_0"), device)))),
                new Gate(List.of(new Limit(Metric.PERPLEXITY_INCREASE, Limit.Comparison.AT_MOST, most))));
    }

    private static void send(String user, Event event) throws Exception {
        try (KafkaProducer<String, byte[]> producer =
                new KafkaProducer<>(kafka(user), new StringSerializer(), new ByteArraySerializer())) {
            producer.send(new EventRecords(Topics.DEFAULT, new EventCodec(), "test").record(event))
                    .get();
        }
    }

    /** What the command of a trainer wrote to standard error; it ends when each target has a run. */
    private static String publish() throws Exception {
        return millrace(
                "publish",
                TinyCheckpoint.write(folder.resolve("checkpoint")).toString(),
                "--model",
                "chat",
                "--version",
                "1",
                "--store",
                STORE,
                "--kafka-config",
                file("publisher"));
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
