package io.millrace.cli.local;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTopicsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The ports of a broker that was killed, held while its successor on the same folder starts.
 *
 * <p>Transactions that were decided but not yet marked in their partitions are marked by the successor. It begins before
 * it has registered itself, and then sends the marks to the address in its metadata, the former one. A port that refuses
 * lets it try again every 50 ms; when a try meets the moment of the new registration, in which no partition has a
 * leader, the broker takes the partitions for deleted and drops the marks (Kafka 4.3.1,
 * {@code KRaftMetadataCache.getPartitionLeaderEndpoint}). Whoever reads only what is committed then waits for ever, the
 * conductor for its own offsets first. A port that takes the connection and says nothing keeps the marks until
 * {@link #close} sends them to the leaders.
 */
final class FormerPorts implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(FormerPorts.class);
    private static final Duration LONGEST_ELECTION = Duration.ofSeconds(30);
    private static final long BETWEEN_LOOKS_MILLIS = 20;
    private static final int HIGHEST_PORT = 65_535;

    private final List<ServerSocket> held;

    private FormerPorts(List<ServerSocket> held) {
        this.held = held;
    }

    /** Holds what is written down in the folder. A broker that was closed left nothing there. */
    static FormerPorts hold(Path folder) throws IOException {
        List<ServerSocket> held = new ArrayList<>();
        for (int port : read(folder)) {
            try {
                held.add(new ServerSocket(port, 0, InetAddress.getLoopbackAddress()));
            } catch (IOException e) {
                LOG.atInfo()
                        .addKeyValue("port", port)
                        .setCause(e)
                        .log("the port of the last broker is in use by something else");
            }
        }
        return new FormerPorts(held);
    }

    /** Writes down that a broker may register itself with this port. */
    static void add(Path folder, int port) throws IOException {
        Files.writeString(file(folder), port + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    /** Writes down that the broker with this port is registered, so that nobody is sent to others any more. */
    static void replace(Path folder, int port) throws IOException {
        Files.writeString(file(folder), port + "\n");
    }

    /** Forgets all ports: the broker said goodbye, and its metadata no longer send anybody to it. */
    static void forget(Path folder) throws IOException {
        Files.deleteIfExists(file(folder));
    }

    /** Waits until each partition has a leader, if ports are held; then they can be given up. */
    void awaitLeaders(String address) {
        if (held.isEmpty()) {
            return;
        }
        long endNanos = System.nanoTime() + LONGEST_ELECTION.toNanos();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
            while (!allLed(admin)) {
                if (System.nanoTime() > endNanos) {
                    LOG.warn(
                            "a partition of the embedded broker has no leader {} s after its start",
                            LONGEST_ELECTION.toSeconds());
                    return;
                }
                Thread.sleep(BETWEEN_LOOKS_MILLIS);
            }
        } catch (ExecutionException e) {
            LOG.atWarn().setCause(e).log("the embedded broker does not say who leads its partitions");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() throws IOException {
        for (ServerSocket socket : held) {
            socket.close();
        }
    }

    private static boolean allLed(Admin admin) throws ExecutionException, InterruptedException {
        var names = admin.listTopics(new ListTopicsOptions().listInternal(true))
                .names()
                .get();
        return admin.describeTopics(names).allTopicNames().get().values().stream()
                .map(TopicDescription::partitions)
                .flatMap(List::stream)
                .allMatch(partition -> partition.leader() != null);
    }

    private static List<Integer> read(Path folder) throws IOException {
        try {
            return Files.readString(file(folder))
                    .lines()
                    .filter(line -> line.matches("[1-9][0-9]{0,4}"))
                    .map(Integer::valueOf)
                    .filter(port -> port <= HIGHEST_PORT)
                    .distinct()
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        }
    }

    private static Path file(Path folder) {
        return folder.resolve("broker.ports");
    }
}
