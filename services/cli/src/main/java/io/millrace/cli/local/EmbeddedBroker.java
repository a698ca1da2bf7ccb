package io.millrace.cli.local;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.function.Consumer;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole Kafka node (KRaft, broker and controller) in this process. Its folder keeps topics, offsets and share
 * positions; its ports are chosen anew at each start, which a static quorum of one allows. It installs no shutdown hook:
 * whoever started it closes it, after everything that talks to it.
 */
public final class EmbeddedBroker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);
    /** A port that was free a moment ago may be taken by another process; each try chooses again. */
    private static final int START_ATTEMPTS = 5;

    private final KafkaRaftServer server;
    private final String address;

    private EmbeddedBroker(KafkaRaftServer server, String address) {
        this.server = server;
        this.address = address;
    }

    /**
     * Starts a broker on this folder, formatting it if it is new.
     *
     * @param onFatal told, once, when Kafka would have halted the JVM; the broker is lost then
     */
    public static EmbeddedBroker start(Path folder, Consumer<String> onFatal) throws IOException {
        Files.createDirectories(folder);
        surviveFatalFaults(onFatal);
        try {
            format(folder);
            for (int attempt = 1; ; attempt++) {
                int[] ports = freePorts();
                try {
                    return new EmbeddedBroker(
                            startServer(properties(folder, ports[0], ports[1])), "127.0.0.1:" + ports[0]);
                } catch (Exception e) {
                    if (namesLock(e)) {
                        throw new FolderInUseException(folder);
                    }
                    if (attempt == START_ATTEMPTS) {
                        throw e;
                    }
                    LOG.atInfo()
                            .addKeyValue("attempt", attempt)
                            .setCause(e)
                            .log("the embedded broker did not start, trying other ports");
                }
            }
        } catch (IOException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("the embedded Kafka broker did not start on " + folder + ": " + e.getMessage(), e);
        }
    }

    /** Where clients find it: {@code host:port}. */
    public String address() {
        return address;
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }

    /** Kafka halts the JVM on a fatal fault; local mode wants to stop its children first. */
    private static void surviveFatalFaults(Consumer<String> onFatal) {
        Exit.Procedure procedure = (status, message) -> {
            String what = "the embedded Kafka broker met a fatal fault (status " + status + ")"
                    + (message == null ? "" : ": " + message);
            onFatal.accept(what);
            throw new IllegalStateException(what);
        };
        Exit.setHaltProcedure(procedure);
        Exit.setExitProcedure(procedure);
    }

    private static void format(Path folder) throws Exception {
        if (Files.exists(folder.resolve("meta.properties"))) {
            return;
        }
        try (PrintStream silent = new PrintStream(OutputStream.nullOutputStream())) {
            new Formatter()
                    .setPrintStream(silent)
                    .setNodeId(1)
                    .setClusterId(Uuid.randomUuid().toString())
                    .setDirectories(List.of(folder.toString()))
                    .setMetadataLogDirectory(folder.toString())
                    .setControllerListenerName("CONTROLLER")
                    .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                    .setUnstableFeatureVersionsEnabled(false)
                    .setHasDynamicQuorum(false)
                    .setIgnoreFormatted(true)
                    .run();
        }
    }

    private static KafkaRaftServer startServer(Properties properties) throws Exception {
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(properties, false), Time.SYSTEM);
        try {
            server.startup();
            return server;
        } catch (Exception e) {
            try {
                server.shutdown();
            } catch (RuntimeException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw e;
        }
    }

    private static boolean namesLock(@Nullable Throwable error) {
        for (Throwable cause = error; cause != null; cause = cause.getCause()) {
            if (cause.getMessage() != null && cause.getMessage().contains("Failed to acquire lock")) {
                return true;
            }
        }
        return false;
    }

    /** Two at once, so that they differ. */
    private static int[] freePorts() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocket broker = new ServerSocket(0, 1, loopback);
                ServerSocket controller = new ServerSocket(0, 1, loopback)) {
            return new int[] {broker.getLocalPort(), controller.getLocalPort()};
        }
    }

    private static Properties properties(Path folder, int brokerPort, int controllerPort) {
        Properties properties = new Properties();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", "1");
        properties.put("controller.quorum.voters", "1@127.0.0.1:" + controllerPort);
        properties.put(
                "listeners", "PLAINTEXT://127.0.0.1:" + brokerPort + ",CONTROLLER://127.0.0.1:" + controllerPort);
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("inter.broker.listener.name", "PLAINTEXT");
        properties.put("log.dirs", folder.toString());
        properties.put("auto.create.topics.enable", "false");
        // One node: without these, transactions and share groups wait for replicas that never come, without an error.
        for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            properties.put(topic + ".replication.factor", "1");
            properties.put(topic + ".num.partitions", "3");
        }
        properties.put("transaction.state.log.min.isr", "1");
        properties.put("share.coordinator.state.topic.min.isr", "1");
        // A laptop joins groups at once instead of waiting for others.
        properties.put("group.initial.rebalance.delay.ms", "0");
        properties.put("group.share.min.record.lock.duration.ms", "1000");
        properties.put("group.share.max.record.lock.duration.ms", "3600000");
        // At the limit a record vanishes without a word, so it is as high as the broker takes it.
        properties.put("group.share.max.delivery.count.limit", "25");
        properties.put("group.share.delivery.count.limit", "10");
        properties.put("group.share.heartbeat.interval.ms", "500");
        properties.put("group.share.min.heartbeat.interval.ms", "500");
        properties.put("group.share.assignment.interval.ms", "0");
        properties.put("group.share.min.assignment.interval.ms", "0");
        properties.put("log.cleaner.dedupe.buffer.size", "16777216");
        properties.put("num.network.threads", "2");
        properties.put("num.io.threads", "4");
        return properties;
    }
}
