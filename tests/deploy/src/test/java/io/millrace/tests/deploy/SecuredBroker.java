package io.millrace.tests.deploy;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A Kafka node that lets clients in by TLS and SCRAM only, and lets them do what an ACL says. A second listener has a
 * certificate that expired; a third one, without security, is the test's own, and may do all.
 */
final class SecuredBroker implements AutoCloseable {
    static final String PASSWORD = "secret-of-";

    private final KafkaRaftServer server;
    private final List<Integer> ports;
    private final Path folder;
    private final Certificates certificates;

    private SecuredBroker(KafkaRaftServer server, List<Integer> ports, Path folder, Certificates certificates) {
        this.server = server;
        this.ports = ports;
        this.folder = folder;
        this.certificates = certificates;
    }

    static SecuredBroker start(Path folder, Collection<String> users) throws Exception {
        Certificates certificates = Certificates.in(folder);
        Path data = Files.createDirectories(folder.resolve("data"));
        new Formatter()
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setNodeId(1)
                .setClusterId(Uuid.randomUuid().toString())
                .setDirectories(List.of(data.toString()))
                .setMetadataLogDirectory(data.toString())
                .setControllerListenerName("CONTROLLER")
                .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                .setUnstableFeatureVersionsEnabled(false)
                .setHasDynamicQuorum(false)
                .setScramArguments(users.stream()
                        .map(user -> "SCRAM-SHA-512=[name=" + user + ",password=" + PASSWORD + user + "]")
                        .toList())
                .run();
        List<Integer> ports = freePorts(4);
        KafkaRaftServer server =
                new KafkaRaftServer(new KafkaConfig(properties(data, ports, certificates), false), Time.SYSTEM);
        server.startup();
        return new SecuredBroker(server, ports, folder, certificates);
    }

    /** Where users come in. */
    String address() {
        return "localhost:" + ports.get(0);
    }

    /** Where the certificate has expired. */
    String expired() {
        return "localhost:" + ports.get(1);
    }

    /** As {@link #address}, by a name that the certificate does not have. */
    String unnamed() {
        return "127.0.0.1:" + ports.get(0);
    }

    /** Where everything is allowed. */
    String open() {
        return "localhost:" + ports.get(2);
    }

    /** The settings of a user with one line in place of another. */
    Path clientFile(String user, String line, String instead) throws IOException {
        String good = Files.readString(clientFile(user, PASSWORD + user));
        return Files.writeString(folder.resolve("changed.properties"), good.replace(line, instead));
    }

    /** Kafka's settings of a user, in a file; the password lies in another one. */
    Path clientFile(String user, String password) throws IOException {
        Path secrets = Files.createDirectories(folder.resolve("secrets-" + user));
        Files.writeString(secrets.resolve("password"), password);
        return Files.writeString(
                folder.resolve(user + ".properties"), """
                security.protocol=SASL_SSL
                ssl.truststore.type=PEM
                ssl.truststore.location=%s
                sasl.mechanism=SCRAM-SHA-512
                config.providers=dir
                config.providers.dir.class=org.apache.kafka.common.config.provider.DirectoryConfigProvider
                sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
                  username="%s" password="${dir:%s:password}";
                """.formatted(certificates.trust(), user, secrets));
    }

    private static Properties properties(Path data, List<Integer> ports, Certificates certificates) throws Exception {
        Properties all = new Properties();
        all.put("process.roles", "broker,controller");
        all.put("node.id", "1");
        all.put("controller.quorum.voters", "1@localhost:" + ports.get(3));
        all.put(
                "listeners",
                "CLIENTS://localhost:%d,EXPIRED://localhost:%d,INTERNAL://localhost:%d,CONTROLLER://localhost:%d"
                        .formatted(ports.toArray()));
        all.put("controller.listener.names", "CONTROLLER");
        all.put(
                "listener.security.protocol.map",
                "CLIENTS:SASL_SSL,EXPIRED:SASL_SSL,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT");
        all.put("inter.broker.listener.name", "INTERNAL");
        all.put("authorizer.class.name", RecordingAuthorizer.class.getName());
        all.put("super.users", "User:ANONYMOUS");
        all.put("sasl.enabled.mechanisms", "SCRAM-SHA-512");
        secure(all, "clients", certificates.server("good.p12", "-1d", 30));
        secure(all, "expired", certificates.server("expired.p12", "-30d", 10));
        all.put("log.dirs", data.toString());
        for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            all.put(topic + ".replication.factor", "1");
            all.put(topic + ".num.partitions", "1");
        }
        all.put("transaction.state.log.min.isr", "1");
        all.put("share.coordinator.state.topic.min.isr", "1");
        all.put("group.initial.rebalance.delay.ms", "0");
        all.put("auto.create.topics.enable", "false");
        all.put("group.share.heartbeat.interval.ms", "500");
        all.put("group.share.min.heartbeat.interval.ms", "500");
        all.put("group.share.assignment.interval.ms", "0");
        all.put("group.share.min.assignment.interval.ms", "0");
        all.put("log.cleaner.dedupe.buffer.size", "16777216");
        return all;
    }

    private static void secure(Properties all, String listener, Path keys) {
        String start = "listener.name." + listener + ".";
        all.put(start + "ssl.keystore.location", keys.toString());
        all.put(start + "ssl.keystore.type", "PKCS12");
        all.put(start + "ssl.keystore.password", Certificates.PASSWORD);
        all.put(
                start + "scram-sha-512.sasl.jaas.config",
                "org.apache.kafka.common.security.scram.ScramLoginModule required;");
    }

    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < count; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return sockets.stream().map(ServerSocket::getLocalPort).toList();
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }
}
