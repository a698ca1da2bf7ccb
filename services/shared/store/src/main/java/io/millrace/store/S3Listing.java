package io.millrace.store;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.SdkHttpResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Response;
import software.amazon.awssdk.services.s3.model.S3Object;

/** What is in a bucket, with ages by the server's clock: the one of its answers and that of its objects are the same. */
final class S3Listing {
    /** An object by its key without the store's prefix. */
    record Found(String key, long sizeBytes, Duration age) {
        String name() {
            return key.substring(key.lastIndexOf('/') + 1);
        }
    }

    private final S3Bucket bucket;

    S3Listing(S3Bucket bucket) {
        this.bucket = bucket;
    }

    /** What is done with each object. */
    interface Visitor {
        void visit(Found object) throws IOException, InterruptedException;
    }

    /** All objects below a folder in their order. */
    List<Found> of(String folder) throws IOException {
        List<Found> found = new ArrayList<>();
        @Nullable String next = "";
        while (next != null) {
            ListObjectsV2Response page = page(folder, next);
            found.addAll(objects(page));
            next = next(page);
        }
        return found;
    }

    /** Shows all objects below a folder in their order, page by page. */
    void each(String folder, Visitor visitor) throws IOException, InterruptedException {
        @Nullable String next = "";
        while (next != null) {
            ListObjectsV2Response page = page(folder, next);
            for (Found object : objects(page)) {
                visitor.visit(object);
            }
            next = next(page);
        }
    }

    /** Some servers send an empty token with their last page. */
    private static @Nullable String next(ListObjectsV2Response page) {
        return Boolean.TRUE.equals(page.isTruncated()) ? page.nextContinuationToken() : null;
    }

    private ListObjectsV2Response page(String folder, String after) throws IOException {
        return bucket.ask(
                "listing " + folder,
                () -> bucket.client()
                        .listObjectsV2(list -> list.bucket(bucket.name())
                                .prefix(bucket.key(folder))
                                .continuationToken(after.isEmpty() ? null : after)));
    }

    private List<Found> objects(ListObjectsV2Response page) {
        Optional<Instant> now = now(page.sdkHttpResponse());
        List<Found> found = new ArrayList<>();
        for (S3Object object : page.contents()) {
            // Without a date nothing is old: it stays.
            Duration age = age(object.lastModified(), now).orElse(Duration.ZERO);
            found.add(new Found(object.key().substring(bucket.key("").length()), object.size(), age));
        }
        return found;
    }

    static Optional<Instant> now(SdkHttpResponse answer) {
        try {
            return answer.firstMatchingHeader("Date")
                    .map(date -> ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant());
        } catch (DateTimeParseException e) {
            return Optional.empty();
        }
    }

    /** Empty unless the server told both times. */
    static Optional<Duration> age(@Nullable Instant modified, Optional<Instant> now) {
        return Optional.ofNullable(modified).flatMap(then -> now.map(time -> Duration.between(then, time)));
    }
}
