package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The first connection to the server ends within the headers of its answer, each later one after the whole answer. */
class WholeHeadersTest {
    private static final String BEGUN = "HTTP/1.1 200 OK\r\nDate: Tue, 01 Dec 2026 05:00:00 GMT\r\nContent-Type: appl";

    @TempDir
    Path temp;

    private ServerSocket server;
    private S3Bucket bucket;
    private volatile String content = "";

    @BeforeEach
    void start() throws IOException {
        S3Proxy.knowCredentials();
        server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().name("cutting-server").start(this::serve);
        URI endpoint = URI.create("http://127.0.0.1:" + server.getLocalPort());
        bucket = S3Bucket.connect(
                S3Address.parse(S3Proxy.address("bucket", endpoint, temp.resolve("cache"))), Duration.ofSeconds(30));
    }

    @AfterEach
    void stop() throws IOException {
        bucket.close();
        server.close();
    }

    private void serve() {
        try {
            String answer = BEGUN;
            while (true) {
                try (Socket connection = server.accept()) {
                    int read = connection.getInputStream().read(new byte[1 << 16]);
                    assertThat(read).isPositive();
                    connection.getOutputStream().write(answer.getBytes(StandardCharsets.UTF_8));
                    connection.shutdownOutput();
                }
                answer = BEGUN + "ication/xml\r\nConnection: close\r\nContent-Length: " + content.length() + "\r\n\r\n"
                        + content;
            }
        } catch (SocketException closed) {
            // The test is over.
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aListingIsNotTakenForEmpty() throws IOException {
        String key = bucket.key("claims/first");
        content = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>" + key
                + "</Key></Contents></ListBucketResult>";

        assertThat(bucket.list("claims/")).containsExactly("claims/first");
    }

    @Test
    void anObjectIsNotTakenForEmpty() throws IOException {
        content = "what stands there";

        assertThat(bucket.get("claims/first")).hasValue(content.getBytes(StandardCharsets.UTF_8));
    }
}
