package io.millrace.store;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import software.amazon.awssdk.services.s3.S3Client;

/** One S3 server, and a client of it that passes the store by, for all tests of a class. */
public final class S3Server implements BeforeAllCallback, AfterAllCallback {
    /** How the server is started. */
    public interface Start {
        S3Proxy in(Path folder) throws IOException;
    }

    private final Start start;
    private @Nullable Path folder;
    private @Nullable S3Proxy proxy;
    private @Nullable S3Client client;

    public S3Server(Start start) {
        this.start = start;
    }

    @Override
    public void beforeAll(ExtensionContext context) throws IOException {
        folder = Files.createTempDirectory("s3proxy");
        proxy = start.in(folder);
        client = proxy.client();
    }

    public URI endpoint() {
        return proxy.endpoint();
    }

    /** Where a server on disk keeps this bucket. */
    public Path bucket(String name) {
        return folder.resolve(name);
    }

    public S3Client client() {
        return client;
    }

    @Override
    public void afterAll(ExtensionContext context) throws IOException, InterruptedException {
        if (proxy != null) {
            client.close();
            proxy.stop();
        }
        try (var files = Files.walk(folder)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }
}
