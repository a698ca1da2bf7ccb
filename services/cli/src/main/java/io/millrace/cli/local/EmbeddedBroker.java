package io.millrace.cli.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.apache.kafka.common.utils.Exit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A whole Kafka node (KRaft, broker and controller) in this process. Its folder keeps topics, offsets and share
 * positions; its ports are chosen anew at each start, which a static quorum of one allows. It installs no shutdown hook:
 * whoever started it closes it, after everything that talks to it.
 */
public final class EmbeddedBroker implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EmbeddedBroker.class);
    private static final int NODE = 1;
    /** A port that was free a moment ago may be taken by another process; each try chooses again. */
    private static final int START_ATTEMPTS = 5;
    /** With less than this a broker that fell fell over its full disk. */
    private static final long FULL_BYTES = 1 << 20;
    /** A broker that fell waits five minutes for threads of its own that are dead (Kafka 4.3.1). */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Path folder;
    private final FolderLock lock;
    private final KafkaNode node;
    private final int port;
    private final AtomicBoolean lost;

    private EmbeddedBroker(Path folder, FolderLock lock, KafkaNode node, int port, AtomicBoolean lost) {
        this.folder = folder;
        this.lock = lock;
        this.node = node;
        this.port = port;
        this.lost = lost;
    }

    /**
     * Starts a broker on this folder, formatting it if it is new.
     *
     * @param onFatal told, once, when Kafka would have halted the JVM; the broker is lost then
     */
    public static EmbeddedBroker start(Path folder, Consumer<String> onFatal) throws IOException {
        Files.createDirectories(folder);
        // Kafka opens the log of its metadata, and mends it, before it finds out that another broker works with it;
        // that one then reads for ever what is no longer there (Kafka 4.3.1).
        FolderLock lock = FolderLock.take(folder, folder.resolve("broker.lock"));
        try (FormerPorts former = FormerPorts.hold(folder)) {
            EmbeddedBroker broker = start(folder, onFatal, lock);
            try {
                former.awaitLeaders(broker.address());
                FormerPorts.replace(folder, broker.port);
                return broker;
            } catch (IOException | RuntimeException e) {
                broker.node.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    private static EmbeddedBroker start(Path folder, Consumer<String> onFatal, FolderLock lock) throws IOException {
        AtomicBoolean lost = new AtomicBoolean();
        surviveFatalFaults(folder, what -> {
            lost.set(true);
            onFatal.accept(what);
        });
        try {
            if (!KafkaNode.isFormatted(folder)) {
                KafkaNode.formatter(folder, NODE).run();
            }
            for (int attempt = 1; ; attempt++) {
                int[] ports = freePorts();
                FormerPorts.add(folder, ports[0]);
                try {
                    KafkaNode node = KafkaNode.start(settings(folder, ports[0], ports[1]));
                    return new EmbeddedBroker(folder, lock, node, ports[0], lost);
                } catch (Exception e) {
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
        return "127.0.0.1:" + port;
    }

    @Override
    public void close() throws IOException {
        if (lost.get()) {
            closeInVain(); // It said no goodbye: its metadata send the next one to the port that it had.
        } else {
            node.close();
            FormerPorts.forget(folder);
        }
        lock.close();
    }

    private void closeInVain() {
        try {
            if (!Thread.ofPlatform()
                    .daemon()
                    .name("close-broker")
                    .start(node::close)
                    .join(PATIENCE)) {
                LOG.warn("the broker that fell does not stop and is left behind");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Kafka halts the JVM on a fatal fault; local mode wants to stop its children first. */
    private static void surviveFatalFaults(Path folder, Consumer<String> onFatal) {
        Exit.Procedure procedure = (status, message) -> {
            String what = "the embedded Kafka broker met a fatal fault (status " + status + ")"
                    + (message == null ? "" : ": " + message)
                    + fullDisk(folder, folder.toFile().getUsableSpace());
            onFatal.accept(what);
            throw new IllegalStateException(what);
        };
        Exit.setHaltProcedure(procedure);
        Exit.setExitProcedure(procedure);
    }

    /** Kafka's own words for it are in the log alone. */
    static String fullDisk(Path folder, long freeBytes) {
        return freeBytes >= FULL_BYTES
                ? ""
                : ", since the disk of " + folder + " is full (" + freeBytes + " bytes free); make room there and start"
                        + " it again";
    }

    /** Two at once, so that they differ. */
    private static int[] freePorts() throws IOException {
        InetAddress loopback = InetAddress.getLoopbackAddress();
        try (ServerSocket broker = new ServerSocket(0, 1, loopback);
                ServerSocket controller = new ServerSocket(0, 1, loopback)) {
            return new int[] {broker.getLocalPort(), controller.getLocalPort()};
        }
    }

    private static Properties settings(Path folder, int brokerPort, int controllerPort) {
        Properties settings = KafkaNode.settings(folder, NODE, List.of(brokerPort), List.of(controllerPort), 3);
        // A laptop joins groups at once instead of waiting for others.
        settings.put("group.initial.rebalance.delay.ms", "0");
        settings.put("group.share.heartbeat.interval.ms", "500");
        settings.put("group.share.min.heartbeat.interval.ms", "500");
        settings.put("group.share.assignment.interval.ms", "0");
        settings.put("group.share.min.assignment.interval.ms", "0");
        settings.put("num.network.threads", "2");
        settings.put("num.io.threads", "4");
        return settings;
    }
}
