package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.services.s3.model.CompletedPart;
import software.amazon.awssdk.services.s3.model.ListMultipartUploadsResponse;
import software.amazon.awssdk.services.s3.model.MultipartUpload;
import software.amazon.awssdk.services.s3.model.NoSuchUploadException;

/**
 * Files in parts. A part that fails is sent again, the others stay; an upload that cannot be ended is aborted, since the
 * server would keep and charge its parts for ever. A process that dies leaves its upload to the next {@link #sweep}.
 */
final class S3Uploads {
    private static final Logger LOG = LoggerFactory.getLogger(S3Uploads.class);

    /** What a server takes as most. */
    private static final long MOST_PARTS = 10_000;

    /** Memory for one more, which is read meanwhile. */
    private static final int PARTS_IN_FLIGHT = 2;

    /** Servers tell times in whole seconds. */
    private static final Duration DATES_APART = Duration.ofSeconds(2);

    private static final String BYTES = "application/octet-stream";

    private final S3Bucket bucket;
    private final int partBytes;

    S3Uploads(S3Bucket bucket, int partBytes) {
        this.bucket = bucket;
        this.partBytes = partBytes;
    }

    int partBytes() {
        return partBytes;
    }

    /**
     * Stores a file whose content is known; {@link ChangedFileException} if it is another by now.
     *
     * @param sent told how many bytes of it are on their way
     */
    void store(String key, Path file, Content content, LongConsumer sent) throws IOException {
        long beganNanos = MonotonicTime.SYSTEM.nanos();
        String id = bucket.ask(
                "beginning the upload of " + key,
                () -> bucket.client()
                        .createMultipartUpload(
                                create -> create.bucket(bucket.name()).key(bucket.key(key)))
                        .uploadId());
        boolean complete = false;
        try {
            List<CompletedPart> parts = send(key, id, file, content, sent);
            try {
                complete(key, id, parts);
            } catch (IOException e) {
                // The SDK repeats a request whose answer was lost, and some servers forget what they completed.
                if (!(e.getCause() instanceof NoSuchUploadException)
                        || !stands(key, content.sizeBytes(), MonotonicTime.SYSTEM.nanos() - beganNanos)) {
                    throw e;
                }
            }
            complete = true;
        } finally {
            if (!complete) {
                abortQuietly(key, id);
            }
        }
    }

    private void complete(String key, String id, List<CompletedPart> parts) throws IOException {
        bucket.ask(
                "completing the upload of " + key,
                () -> bucket.client()
                        .completeMultipartUpload(done -> done.bucket(bucket.name())
                                .key(bucket.key(key))
                                .uploadId(id)
                                .multipartUpload(all -> all.parts(parts))));
    }

    /** Whether an object was made since an upload began; some servers date it to the beginning. */
    private boolean stands(String key, long sizeBytes, long elapsedNanos) throws IOException {
        Duration elapsed = Duration.ofNanos(elapsedNanos).plus(DATES_APART);
        return bucket.look(key)
                .filter(object -> object.sizeBytes() == sizeBytes)
                .flatMap(S3Bucket.Seen::age)
                .filter(age -> age.compareTo(elapsed) <= 0)
                .isPresent();
    }

    /** How long each part of a file is, so that there are no more than a server takes. */
    static int partBytes(int least, long sizeBytes) {
        return Math.toIntExact(Math.max(least, Math.ceilDiv(sizeBytes, MOST_PARTS)));
    }

    private List<CompletedPart> send(String key, String id, Path file, Content content, LongConsumer told)
            throws IOException {
        int length = partBytes(partBytes, content.sizeBytes());
        MessageDigest sha256 = Digest.sha256();
        List<CompletedPart> parts = new ArrayList<>();
        try (InputStream in = Files.newInputStream(file);
                PartsInFlight<CompletedPart> inFlight = new PartsInFlight<>(PARTS_IN_FLIGHT)) {
            int number = 1;
            long sentBytes = 0;
            for (byte[] part = in.readNBytes(length); part.length > 0; part = in.readNBytes(length)) {
                int partNumber = number++;
                byte[] bytes = part;
                inFlight.add(() -> send(key, id, partNumber, bytes)).ifPresent(parts::add);
                // While the part is on its way.
                sha256.update(part);
                sentBytes += part.length;
                told.accept(sentBytes);
            }
            parts.addAll(inFlight.rest());
        }
        Digest sent = Digest.ofHash(sha256.digest());
        if (!sent.equals(content.digest())) {
            throw new ChangedFileException(file + ": had the digest " + content.digest() + " and then " + sent
                    + "; it was written to while it was stored: store it again when it is finished");
        }
        return parts;
    }

    private CompletedPart send(String key, String id, int number, byte[] part) throws IOException {
        String etag = bucket.ask(
                "uploading part " + number + " of " + key,
                () -> bucket.client()
                        .uploadPart(
                                upload -> upload.bucket(bucket.name())
                                        .key(bucket.key(key))
                                        .uploadId(id)
                                        .partNumber(number),
                                RequestBody.fromContentProvider(
                                        // Nobody writes to the part, and a copy of each would be as large again.
                                        ContentStreamProvider.fromByteArrayUnsafe(part), part.length, BYTES))
                        .eTag());
        return CompletedPart.builder().partNumber(number).eTag(etag).build();
    }

    /** The failure that led here is the one to report; what stays is swept later. */
    private void abortQuietly(String key, String id) {
        try {
            abort(bucket.key(key), id);
        } catch (IOException e) {
            LOG.warn("an upload could not be aborted; it is swept a day later: {}", e.getMessage());
        }
    }

    private void abort(String fullKey, String id) throws IOException {
        bucket.ask(
                "aborting the upload of " + fullKey,
                () -> bucket.client()
                        .abortMultipartUpload(abort ->
                                abort.bucket(bucket.name()).key(fullKey).uploadId(id)));
    }

    /** Aborts what processes began below the prefix and left behind. */
    void sweep(Duration olderThan) throws IOException {
        for (UnderWay upload : underWay()) {
            if (upload.age().compareTo(olderThan) > 0) {
                abort(upload.fullKey(), upload.id());
            }
        }
    }

    /** An upload that was begun and not ended, with its age by the server's clock. */
    record UnderWay(String fullKey, String id, Duration age) {}

    List<UnderWay> underWay() throws IOException {
        return bucket.ask("listing uploads", () -> {
            List<UnderWay> found = new ArrayList<>();
            for (ListMultipartUploadsResponse page : bucket.client()
                    .listMultipartUploadsPaginator(
                            list -> list.bucket(bucket.name()).prefix(bucket.key("blobs/")))) {
                Optional<Instant> now = S3Listing.now(page.sdkHttpResponse());
                for (MultipartUpload upload : page.uploads()) {
                    Duration age = S3Listing.age(upload.initiated(), now).orElse(Duration.ZERO);
                    found.add(new UnderWay(upload.key(), upload.uploadId(), age));
                }
            }
            return found;
        });
    }
}
