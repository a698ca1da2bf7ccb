package io.millrace.worker;

import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** One real Kafka node in this process, broker and controller. */
public final class EmbeddedBroker implements AutoCloseable {
    private final KafkaRaftServer server;
    private final String address;

    private EmbeddedBroker(KafkaRaftServer server, String address) {
        this.server = server;
        this.address = address;
    }

    public static EmbeddedBroker start(Path folder) throws Exception {
        return start(folder, "127.0.0.1:" + freePort());
    }

    /** Starts on a folder of before, or on an empty one. */
    static EmbeddedBroker start(Path folder, String address) throws Exception {
        if (!Files.exists(folder.resolve("meta.properties"))) {
            format(folder);
        }
        KafkaRaftServer server =
                new KafkaRaftServer(new KafkaConfig(properties(folder, address, freePort()), false), Time.SYSTEM);
        server.startup();
        return new EmbeddedBroker(server, address);
    }

    private static void format(Path folder) throws Exception {
        new Formatter()
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
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

    public String address() {
        return address;
    }

    private static Properties properties(Path folder, String address, int controllerPort) {
        String controller = "127.0.0.1:" + controllerPort;
        Properties all = new Properties();
        all.put("process.roles", "broker,controller");
        all.put("node.id", "1");
        all.put("controller.quorum.voters", "1@" + controller);
        all.put("listeners", "PLAINTEXT://" + address + ",CONTROLLER://" + controller);
        all.put("controller.listener.names", "CONTROLLER");
        all.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        all.put("inter.broker.listener.name", "PLAINTEXT");
        all.put("log.dirs", folder.toString());
        for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            all.put(topic + ".replication.factor", "1");
            all.put(topic + ".num.partitions", "3");
        }
        all.put("transaction.state.log.min.isr", "1");
        all.put("share.coordinator.state.topic.min.isr", "1");
        all.put("group.initial.rebalance.delay.ms", "0");
        all.put("auto.create.topics.enable", "false");
        all.put("group.share.min.record.lock.duration.ms", "1000");
        all.put("group.share.heartbeat.interval.ms", "500");
        all.put("group.share.min.heartbeat.interval.ms", "500");
        all.put("group.share.assignment.interval.ms", "0");
        all.put("group.share.min.assignment.interval.ms", "0");
        all.put("log.cleaner.dedupe.buffer.size", "16777216");
        return all;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }
}
