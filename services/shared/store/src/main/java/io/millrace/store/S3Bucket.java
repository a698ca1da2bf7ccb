package io.millrace.store;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.AwsRequestOverrideConfiguration;
import software.amazon.awssdk.core.ResponseInputStream;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.HeadObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * The requests to one bucket. Keys are relative to the address's prefix. The SDK sends a request again that got no
 * answer or a 5xx; so a conditional write that is refused may have been made by oneself, and whoever asked must read
 * back what stands.
 */
final class S3Bucket implements AutoCloseable {
    /** Another was first; another is just writing. */
    private static final Set<Integer> REFUSALS = Set.of(412, 409);

    /** The status of a server that ignores the range that was asked for. */
    private static final int WHOLE = 200;

    /** A request. */
    interface Request<T> {
        T send() throws SdkException;
    }

    private final S3Address address;
    private final S3Client client;
    private final Optional<Duration> patience;
    private final S3Failure failures;

    private S3Bucket(S3Address address, S3Client client, Optional<Duration> patience) {
        this.address = address;
        this.client = client;
        this.patience = patience;
        this.failures = new S3Failure(address);
    }

    /** @param silence how long the server may say nothing before a request is sent again */
    static S3Bucket connect(S3Address address, Duration silence) throws IOException {
        try {
            return new S3Bucket(address, S3Connection.open(address, silence), Optional.empty());
        } catch (SdkException e) {
            throw new S3Failure(address).of("opening the store", e);
        } catch (RuntimeException e) {
            throw new S3Failure(address).unusable(e);
        }
    }

    /** The same bucket, whose small objects are asked for again after so long without an answer. */
    S3Bucket answeringWithin(Duration limit) {
        return new S3Bucket(address, client, Optional.of(limit));
    }

    String key(String relative) {
        return address.prefix() + relative;
    }

    /** Where a person finds the object. */
    String place(String relative) {
        return name() + "/" + key(relative);
    }

    String name() {
        return address.bucket();
    }

    S3Client client() {
        return client;
    }

    <T> T ask(String what, Request<T> request) throws IOException {
        try {
            return request.send();
        } catch (SdkException e) {
            throw failures.of(what, e);
        } catch (RuntimeException e) {
            // The SDK and this class read the answer: a header that is missing, a date that is none.
            throw failures.unreadable(what, e);
        }
    }

    /** Fails with the reason if the bucket cannot be read. */
    void reach() throws IOException {
        ask(
                "opening the store",
                () -> client.listObjectsV2(
                        list -> list.bucket(name()).prefix(address.prefix()).maxKeys(1)));
    }

    /** A small object. */
    Optional<byte[]> get(String key) throws IOException {
        return ask("reading " + key, () -> {
            try {
                return Optional.of(client.getObjectAsBytes(
                                get -> get.bucket(name()).key(key(key)).overrideConfiguration(this::limit))
                        .asByteArrayUnsafe());
            } catch (NoSuchKeyException e) {
                return Optional.empty();
            }
        });
    }

    /** An object's size and, if the server tells the time, its age by the server's clock. */
    record Seen(long sizeBytes, Optional<Duration> age) {
        static Seen of(@Nullable Long sizeBytes, @Nullable Instant modified, SdkHttpResponse answer) {
            if (sizeBytes == null) {
                throw new IllegalStateException("the answer has no Content-Length");
            }
            return new Seen(sizeBytes, S3Listing.age(modified, S3Listing.now(answer)));
        }
    }

    Optional<Long> sizeBytes(String key) throws IOException {
        return look(key).map(Seen::sizeBytes);
    }

    Optional<Seen> look(String key) throws IOException {
        return ask("looking for " + key, () -> {
            try {
                HeadObjectResponse head =
                        client.headObject(request -> request.bucket(name()).key(key(key)));
                return Optional.of(Seen.of(head.contentLength(), head.lastModified(), head.sdkHttpResponse()));
            } catch (NoSuchKeyException e) {
                return lookInto(key);
            }
        });
    }

    /**
     * The answer to a HEAD has no body: whose its 404 is, a proxy's while the server starts or the bucket's, a GET tells.
     * There the SDK sees a missing key only in the bucket's own words.
     */
    private Optional<Seen> lookInto(String key) {
        try {
            var answer = client.getObject(get -> get.bucket(name()).key(key(key)));
            answer.abort();
            GetObjectResponse object = answer.response();
            return Optional.of(Seen.of(object.contentLength(), object.lastModified(), object.sdkHttpResponse()));
        } catch (NoSuchKeyException e) {
            return Optional.empty();
        }
    }

    /** The object's bytes from an offset on; empty if it is not there. */
    Optional<InputStream> read(String key, long offset) throws IOException {
        Optional<ResponseInputStream<GetObjectResponse>> answer = answer(key, offset);
        if (answer.isEmpty()) {
            return Optional.empty();
        }
        InputStream in = new FilterInputStream(answer.get()) {
            // The SDK would read the rest of a large object to keep the connection.
            @Override
            public void close() {
                answer.get().abort();
            }
        };
        if (answer.get().response().sdkHttpResponse().statusCode() == WHOLE) {
            in.skipNBytes(offset);
        }
        return Optional.of(in);
    }

    private Optional<ResponseInputStream<GetObjectResponse>> answer(String key, long offset) throws IOException {
        return ask("reading " + key, () -> {
            try {
                return Optional.of(
                        client.getObject(get -> get.bucket(name()).key(key(key)).range("bytes=" + offset + "-")));
            } catch (NoSuchKeyException e) {
                return Optional.empty();
            }
        });
    }

    void put(String key, byte[] content) throws IOException {
        ask("writing " + key, () -> client.putObject(object(key).build(), RequestBody.fromBytes(content)));
    }

    /** Creates an object. @return false if it was refused, or nobody knows: read what stands */
    boolean create(String key, byte[] content) throws IOException {
        return ask("writing " + key + " on a condition", () -> {
            try {
                client.putObject(object(key).ifNoneMatch("*").build(), RequestBody.fromBytes(content));
                return true;
            } catch (SdkClientException e) {
                return false;
            } catch (S3Exception e) {
                if (REFUSALS.contains(e.statusCode())) {
                    return false;
                }
                throw e;
            }
        });
    }

    /** The names below a folder, in their order. */
    List<String> list(String folder) throws IOException {
        return ask(
                "listing " + folder,
                () -> client
                        .listObjectsV2Paginator(
                                list -> list.bucket(name()).prefix(key(folder)).overrideConfiguration(this::limit))
                        .contents()
                        .stream()
                        .map(object -> object.key().substring(address.prefix().length()))
                        .sorted()
                        .toList());
    }

    void delete(String key) throws IOException {
        ask(
                "deleting " + key,
                () -> client.deleteObject(
                        delete -> delete.bucket(name()).key(key(key)).overrideConfiguration(this::limit)));
    }

    private PutObjectRequest.Builder object(String key) {
        return PutObjectRequest.builder().bucket(name()).key(key(key)).overrideConfiguration(this::limit);
    }

    private void limit(AwsRequestOverrideConfiguration.Builder request) {
        patience.ifPresent(request::apiCallAttemptTimeout);
    }

    @Override
    public void close() {
        client.close();
    }
}
