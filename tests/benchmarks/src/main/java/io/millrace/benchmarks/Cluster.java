package io.millrace.benchmarks;

import io.millrace.cli.local.JavaCommand;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.common.Uuid;

/** Several Kafka nodes, each a process. */
final class Cluster implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);
    private static final Duration BETWEEN_LOOKS = Duration.ofMillis(250);

    private final String id = Uuid.randomUuid().toString();
    private final Path folder;
    private final List<Integer> ports;
    private final List<Process> nodes = new ArrayList<>();

    private Cluster(Path folder, List<Integer> ports) {
        this.folder = folder;
        this.ports = ports;
    }

    static Cluster start(Path folder, int size) throws IOException, InterruptedException {
        Cluster cluster = new Cluster(folder, freePorts(2 * size));
        try {
            for (int node = 1; node <= size; node++) {
                cluster.nodes.add(cluster.startNode(node));
            }
            cluster.awaitWhole();
            return cluster;
        } catch (IOException | InterruptedException | RuntimeException e) {
            cluster.close();
            throw e;
        }
    }

    /** Where clients find it. */
    String address() {
        return ports.subList(0, ports.size() / 2).stream()
                .map(port -> "127.0.0.1:" + port)
                .collect(Collectors.joining(","));
    }

    /** Stops a node in order, starts it again, and waits until no replica is behind. */
    void restart(int node) throws IOException, InterruptedException {
        Process old = nodes.get(node - 1);
        old.destroy();
        if (!old.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new IllegalStateException(
                    "Kafka node " + node + " did not stop within " + PATIENCE.toSeconds() + " s");
        }
        nodes.set(node - 1, startNode(node));
        awaitWhole();
    }

    private Process startNode(int node) throws IOException {
        List<String> arguments = new ArrayList<>(List.of(
                id, Integer.toString(node), folder.resolve("node-" + node).toString()));
        ports.forEach(port -> arguments.add(port.toString()));
        return new JavaCommand("kafka-" + node, ClusterNode.class.getName(), List.of("-Xmx512m"), arguments)
                .start(folder.resolve("logs"));
    }

    private void awaitWhole() throws InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", address()))) {
            while (!isWhole(admin)) {
                if (System.nanoTime() - deadline > 0) {
                    throw new IllegalStateException("the cluster was not whole within " + PATIENCE.toSeconds()
                            + " s; logs: " + folder.resolve("logs"));
                }
                Thread.sleep(BETWEEN_LOOKS);
            }
        }
    }

    private boolean isWhole(Admin admin) throws InterruptedException {
        try {
            if (admin.describeCluster().nodes().get().size() < ports.size() / 2) {
                return false;
            }
            return admin.describeTopics(admin.listTopics().names().get()).allTopicNames().get().values().stream()
                    .allMatch(Cluster::isWhole);
        } catch (ExecutionException e) {
            return false; // A node that stops or starts answers so.
        }
    }

    private static boolean isWhole(TopicDescription topic) {
        return topic.partitions().stream()
                .allMatch(partition ->
                        partition.isr().size() == partition.replicas().size());
    }

    private static List<Integer> freePorts(int count) throws IOException {
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int socket = 0; socket < count; socket++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
            }
            return IntStream.range(0, count)
                    .mapToObj(socket -> sockets.get(socket).getLocalPort())
                    .toList();
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
    }

    @Override
    public void close() {
        nodes.forEach(Process::destroyForcibly);
        // Its folder is deleted next.
        nodes.forEach(node -> node.onExit().join());
    }
}
