package io.millrace.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.UUID;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The store behind a proxy that does what networks and servers do when they fail. */
abstract class S3FaultFixture {
    private static final int PART_BYTES = 5 << 20;

    @RegisterExtension
    static final S3Server SERVER = new S3Server(S3Proxy::startTrusting);

    @TempDir
    Path temp;

    final String prefix = "test-" + UUID.randomUUID();
    FaultProxy proxy;
    S3Store store;

    @BeforeEach
    void open() throws IOException {
        proxy = new FaultProxy(SERVER.endpoint());
        store = open(Duration.ofSeconds(20));
    }

    S3Store open(Duration silence) throws IOException {
        S3Address address = S3Address.parse(S3Proxy.address(prefix, proxy.endpoint(), temp.resolve("cache")));
        return S3Store.open(address, silence, PART_BYTES, BlobFolder.RENEWED_AFTER);
    }

    @AfterEach
    void close() {
        store.close();
        proxy.close();
    }

    static Predicate<String> requests(String method, String part) {
        return request -> request.startsWith(method + " ") && request.contains(part);
    }

    long asked(String method, String part) {
        return proxy.requests().stream().filter(requests(method, part)).count();
    }

    Path large() throws IOException {
        byte[] content = new byte[2 * PART_BYTES + 12_345];
        new Random(7).nextBytes(content);
        return Files.write(temp.resolve("weights.bin"), content);
    }

    int objects(String below) {
        return SERVER.client()
                .listObjectsV2(list -> list.bucket(S3Proxy.BUCKET).prefix(below))
                .contents()
                .size();
    }
}
