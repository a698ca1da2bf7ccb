package io.millrace.benchmarks;

import io.millrace.cli.local.KafkaNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/** One Kafka node of several, broker and controller, in a process of its own: {@code CLUSTER NODE FOLDER PORT…}. */
final class ClusterNode {
    private ClusterNode() {}

    /** The ports: of the brokers in the order of the nodes, then of the controllers. */
    public static void main(String[] arguments) throws Exception {
        String cluster = arguments[0];
        int number = Integer.parseInt(arguments[1]);
        Path folder = Files.createDirectories(Path.of(arguments[2]));
        List<Integer> ports =
                Arrays.stream(arguments).skip(3).map(Integer::valueOf).toList();
        if (!KafkaNode.isFormatted(folder)) {
            KafkaNode.formatter(folder, number).setClusterId(cluster).run();
        }
        KafkaNode node = KafkaNode.start(settings(folder, number, ports));
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(node::close));
        node.awaitEnd();
    }

    private static Properties settings(Path folder, int number, List<Integer> ports) {
        int nodes = ports.size() / 2;
        Properties settings =
                KafkaNode.settings(folder, number, ports.subList(0, nodes), ports.subList(nodes, ports.size()), 6);
        settings.put("default.replication.factor", Integer.toString(nodes));
        settings.put("min.insync.replicas", "2");
        return settings;
    }
}
