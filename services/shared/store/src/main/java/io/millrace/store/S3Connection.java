package io.millrace.store;

import java.time.Duration;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;

/** How the SDK's client is set up. */
final class S3Connection {
    private static final Duration CONNECT = Duration.ofSeconds(5);
    private static final int ATTEMPTS = 5;
    private static final int CONNECTIONS = 64;

    private S3Connection() {}

    static S3Client open(S3Address address, Duration silence) {
        S3ClientBuilder builder = S3Client.builder()
                .httpClientBuilder(Apache5HttpClient.builder()
                        .maxConnections(CONNECTIONS)
                        .connectionTimeout(CONNECT)
                        .socketTimeout(silence))
                // Otherwise a refusal that comes before the content was sent is read as a broken connection.
                .serviceConfiguration(S3Configuration.builder()
                        .pathStyleAccessEnabled(address.pathStyle())
                        .expectContinueThresholdInBytes(0L)
                        .build())
                .overrideConfiguration(o -> o.retryStrategy(retries -> retries.maxAttempts(ATTEMPTS))
                        .addExecutionInterceptor(new WholeHeaders()));
        address.endpoint().ifPresent(builder::endpointOverride);
        // Servers other than Amazon's mostly have no regions, but the signature needs one.
        address.region()
                .or(() -> address.endpoint().map(_ -> "us-east-1"))
                .map(Region::of)
                .ifPresent(builder::region);
        return builder.build();
    }
}
