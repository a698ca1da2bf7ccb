package io.millrace.benchmarks;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/** One Kafka node of several, broker and controller, in a process of its own: {@code CLUSTER NODE FOLDER PORT…}. */
final class ClusterNode {
    private ClusterNode() {}

    /** The ports: of the brokers in the order of the nodes, then of the controllers. */
    public static void main(String[] arguments) throws Exception {
        String cluster = arguments[0];
        int node = Integer.parseInt(arguments[1]);
        Path folder = Files.createDirectories(Path.of(arguments[2]));
        List<String> ports = List.of(arguments).subList(3, arguments.length);
        format(folder, cluster, node);
        KafkaRaftServer server =
                new KafkaRaftServer(new KafkaConfig(properties(folder, node, ports), false), Time.SYSTEM);
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> {
            server.shutdown();
            server.awaitShutdown();
        }));
        server.startup();
        server.awaitShutdown();
    }

    private static void format(Path folder, String cluster, int node) throws Exception {
        if (Files.exists(folder.resolve("meta.properties"))) {
            return;
        }
        try (PrintStream silent = new PrintStream(OutputStream.nullOutputStream())) {
            new Formatter()
                    .setPrintStream(silent)
                    .setNodeId(node)
                    .setClusterId(cluster)
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

    private static Properties properties(Path folder, int node, List<String> ports) {
        int nodes = ports.size() / 2;
        List<String> voters = new ArrayList<>();
        for (int voter = 1; voter <= nodes; voter++) {
            voters.add(voter + "@127.0.0.1:" + ports.get(nodes + voter - 1));
        }
        Properties properties = new Properties();
        properties.put("process.roles", "broker,controller");
        properties.put("node.id", Integer.toString(node));
        properties.put("controller.quorum.voters", String.join(",", voters));
        properties.put(
                "listeners",
                "PLAINTEXT://127.0.0.1:" + ports.get(node - 1) + ",CONTROLLER://127.0.0.1:"
                        + ports.get(nodes + node - 1));
        properties.put("controller.listener.names", "CONTROLLER");
        properties.put("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT");
        properties.put("inter.broker.listener.name", "PLAINTEXT");
        properties.put("log.dirs", folder.toString());
        properties.put("auto.create.topics.enable", "false");
        properties.put("default.replication.factor", Integer.toString(nodes));
        properties.put("min.insync.replicas", "2");
        for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            properties.put(topic + ".replication.factor", Integer.toString(nodes));
            properties.put(topic + ".num.partitions", "6");
        }
        properties.put("transaction.state.log.min.isr", "2");
        properties.put("share.coordinator.state.topic.min.isr", "2");
        properties.put("group.share.min.record.lock.duration.ms", "1000");
        properties.put("group.share.max.record.lock.duration.ms", "3600000");
        properties.put("group.share.max.delivery.count.limit", "25");
        properties.put("group.share.delivery.count.limit", "10");
        properties.put("log.cleaner.dedupe.buffer.size", "16777216");
        return properties;
    }
}
