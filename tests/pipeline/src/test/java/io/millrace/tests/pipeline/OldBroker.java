package io.millrace.tests.pipeline;

import io.millrace.cli.local.KafkaNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.server.common.MetadataVersion;

/** A Kafka node whose cluster is at the level of release 4.0, before share groups. */
final class OldBroker implements AutoCloseable {
    private final KafkaNode node;
    private final String address;

    private OldBroker(KafkaNode node, String address) {
        this.node = node;
        this.address = address;
    }

    static OldBroker start(Path folder) throws Exception {
        KafkaNode.formatter(folder, 1)
                .setReleaseVersion(MetadataVersion.IBP_4_0_IV3)
                .run();
        int port = freePort();
        Properties settings = KafkaNode.settings(folder, 1, List.of(port), List.of(freePort()), 3);
        settings.put("group.initial.rebalance.delay.ms", "0");
        return new OldBroker(KafkaNode.start(settings), "127.0.0.1:" + port);
    }

    String address() {
        return address;
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    @Override
    public void close() {
        node.close();
    }
}
