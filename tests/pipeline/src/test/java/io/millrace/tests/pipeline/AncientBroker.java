package io.millrace.tests.pipeline;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * A broker from before everything that Millrace asks for. It answers each request with the list of requests that it
 * knows: that one, and to produce.
 *
 * <pre>
 * request    4 size   2 kind   2 version   4 correlation   ...
 * answer     4 size   4 correlation   2 error   4 count   count × (2 kind   2 oldest   2 newest version)
 * </pre>
 */
final class AncientBroker implements AutoCloseable {
    private static final int API_VERSIONS = 18;
    private static final int PRODUCE = 0;
    private static final int UNSUPPORTED_VERSION = 35;
    private static final int REQUEST_HEAD_BYTES = 8;
    private static final int ANSWER_BYTES = 4 + 2 + 4 + 2 * 6;

    private final ServerSocket server;

    private AncientBroker(ServerSocket server) {
        this.server = server;
    }

    static AncientBroker start() throws IOException {
        AncientBroker broker = new AncientBroker(new ServerSocket(0, 50, InetAddress.getLoopbackAddress()));
        Thread.ofVirtual().name("ancient-broker").start(broker::accept);
        return broker;
    }

    String address() {
        return "127.0.0.1:" + server.getLocalPort();
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                Thread.ofVirtual().start(() -> answer(client));
            } catch (IOException e) {
                // Closed, or a client that was gone at once.
            }
        }
    }

    private static void answer(Socket client) {
        try (client;
                DataInputStream in = new DataInputStream(client.getInputStream());
                DataOutputStream out = new DataOutputStream(client.getOutputStream())) {
            while (true) {
                int size = in.readInt();
                in.readShort();
                int version = in.readShort();
                int correlation = in.readInt();
                in.skipNBytes(size - REQUEST_HEAD_BYTES);
                out.writeInt(ANSWER_BYTES);
                out.writeInt(correlation);
                out.writeShort(version == 0 ? 0 : UNSUPPORTED_VERSION);
                out.writeInt(2);
                for (int kind : new int[] {API_VERSIONS, PRODUCE}) {
                    out.writeShort(kind);
                    out.writeShort(0);
                    out.writeShort(0);
                }
            }
        } catch (IOException e) {
            // The client hung up.
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
    }
}
