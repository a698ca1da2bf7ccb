package io.millrace.cli.local;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Exit;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * A Kafka node, broker and controller, in this process, with everything it knows in one folder. It installs no shutdown
 * hook.
 */
public final class KafkaNode implements AutoCloseable {
    private static final String CONTROLLER = "CONTROLLER";
    private static final String BROKER = "PLAINTEXT";

    private final KafkaRaftServer server;

    private KafkaNode(KafkaRaftServer server) {
        this.server = server;
    }

    /** Whether the folder has been a node's before. */
    public static boolean isFormatted(Path folder) {
        return Files.exists(folder.resolve("meta.properties"));
    }

    /** What makes a folder that of the node with this number in a new cluster; the caller may amend it, and runs it. */
    public static Formatter formatter(Path folder, int number) {
        return new Formatter()
                .setPrintStream(new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8))
                .setNodeId(number)
                .setClusterId(Uuid.randomUuid().toString())
                .setDirectories(List.of(folder.toString()))
                .setMetadataLogDirectory(folder.toString())
                .setControllerListenerName(CONTROLLER)
                .setReleaseVersion(MetadataVersion.LATEST_PRODUCTION)
                .setUnstableFeatureVersionsEnabled(false)
                .setHasDynamicQuorum(false)
                .setIgnoreFormatted(true);
    }

    /**
     * The settings of one node among as many as there are ports, all on this machine.
     *
     * @param brokerPorts where clients come in, node 1 first
     * @param controllerPorts in the same order
     * @param partitions of each internal topic
     */
    public static Properties settings(
            Path folder, int number, List<Integer> brokerPorts, List<Integer> controllerPorts, int partitions) {
        Properties all = new Properties();
        all.put("process.roles", "broker,controller");
        all.put("node.id", Integer.toString(number));
        all.put("controller.quorum.voters", voters(controllerPorts));
        all.put(
                "listeners",
                BROKER + "://127.0.0.1:" + brokerPorts.get(number - 1) + "," + CONTROLLER + "://127.0.0.1:"
                        + controllerPorts.get(number - 1));
        all.put("controller.listener.names", CONTROLLER);
        all.put("listener.security.protocol.map", BROKER + ":PLAINTEXT," + CONTROLLER + ":PLAINTEXT");
        all.put("inter.broker.listener.name", BROKER);
        all.put("log.dirs", folder.toString());
        all.put("log.cleaner.dedupe.buffer.size", "16777216");
        all.put("auto.create.topics.enable", "false");
        // Without these, transactions and share groups of few nodes wait for replicas that never come, without an
        // error.
        String copies = Integer.toString(brokerPorts.size());
        String inSync = Integer.toString(Math.max(1, brokerPorts.size() - 1));
        for (String topic : List.of("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")) {
            all.put(topic + ".replication.factor", copies);
            all.put(topic + ".num.partitions", Integer.toString(partitions));
        }
        all.put("transaction.state.log.min.isr", inSync);
        all.put("share.coordinator.state.topic.min.isr", inSync);
        all.put("group.share.min.record.lock.duration.ms", "1000");
        all.put("group.share.max.record.lock.duration.ms", "3600000");
        // At the limit a record vanishes without a word, so it is as high as the broker takes it.
        all.put("group.share.max.delivery.count.limit", "25");
        all.put("group.share.delivery.count.limit", "10");
        // A transaction's marker that a consumer forgot stays unanswered until its lock ends, and no record this far
        // behind it is handed out.
        all.put("group.share.max.partition.max.record.locks", "10000");
        all.put("group.share.partition.max.record.locks", "10000");
        return all;
    }

    private static String voters(List<Integer> controllerPorts) {
        return IntStream.rangeClosed(1, controllerPorts.size())
                .mapToObj(node -> node + "@127.0.0.1:" + controllerPorts.get(node - 1))
                .collect(Collectors.joining(","));
    }

    /** Starts a node on a folder that was formatted. What fails is thrown when the rest has been shut down. */
    public static KafkaNode start(Properties settings) throws Exception {
        // Whoever starts a node closes it. Kafka's metrics would add a hook too, and so would Log4j, which Kafka
        // asks for the levels of its loggers; where the process ends already, with a stack trace.
        Exit.setShutdownHookAdder((_, _) -> {});
        System.setProperty("log4j.shutdownHookEnabled", "false");
        KafkaRaftServer server = new KafkaRaftServer(new KafkaConfig(settings, false), Time.SYSTEM);
        try {
            server.startup();
            return new KafkaNode(server);
        } catch (Exception e) {
            try {
                server.shutdown();
            } catch (RuntimeException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw e;
        }
    }

    /** Waits until another thread has closed it. */
    public void awaitEnd() {
        server.awaitShutdown();
    }

    @Override
    public void close() {
        server.shutdown();
        server.awaitShutdown();
    }
}
