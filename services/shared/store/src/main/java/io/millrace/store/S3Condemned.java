package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Collectors;
import software.amazon.awssdk.core.SdkServiceClientConfiguration;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.model.DeleteObjectsResponse;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;

/**
 * Deletes blobs of a bucket without ever deleting one that was just put: a server can neither lock nor delete on
 * condition. Whoever deletes says so first, then looks at the ages; whoever puts a blob that was there already writes it
 * anew, which makes it young, and then looks for such announcements. In whatever order these four come, either the
 * deleter sees a young blob, or the writer sees the announcement, waits for its end, and writes again what went. A
 * deletion is sent once: repeated, it could take what was put since the first one was done.
 *
 * <pre>
 * condemned/&lt;2 hex&gt;/&lt;uuid&gt;   the digests that are about to go; there only while they go
 * </pre>
 *
 * A deleter gives up after {@link #LONGEST_DELETION}, and one that died is waited for three times as long.
 */
final class S3Condemned {
    private static final Duration LONGEST_DELETION = Duration.ofMinutes(5);
    private static final Duration LEFT_BEHIND_AFTER = LONGEST_DELETION.multipliedBy(3);
    private static final Duration PAUSE = Duration.ofSeconds(1);
    private static final int BUSY = 503;
    /** What a server takes in one request. */
    private static final int MOST_AT_ONCE = 1000;

    private final S3Bucket bucket;
    private final S3Listing listing;
    private final MonotonicTime time;

    S3Condemned(S3Bucket bucket, MonotonicTime time) {
        this.bucket = bucket;
        this.listing = new S3Listing(bucket);
        this.time = time;
    }

    private static String announcements(String twoDigits) {
        return "condemned/" + twoDigits + "/";
    }

    /** Returns once nobody deletes blobs that begin like this one, on grounds that are older than this call. */
    void outlast(Digest blob) throws IOException {
        try {
            while (!alive(blob.hex().substring(0, 2)).isEmpty()) {
                time.pause(PAUSE);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while blobs are collected");
        }
    }

    private List<String> alive(String twoDigits) throws IOException {
        List<String> alive = new ArrayList<>();
        for (S3Listing.Found announcement : listing.of(announcements(twoDigits))) {
            if (announcement.age().compareTo(LEFT_BEHIND_AFTER) < 0) {
                alive.add(announcement.key());
            } else {
                bucket.delete(announcement.key());
            }
        }
        return alive;
    }

    /** Deletes those of these blobs, which all begin with the same two digits, that are still this old. */
    Set<Digest> delete(Set<Digest> blobs, Duration grace) throws IOException {
        String twoDigits = blobs.iterator().next().hex().substring(0, 2);
        String mine = announcements(twoDigits) + UUID.randomUUID();
        long beganNanos = time.nanos();
        bucket.put(
                mine,
                blobs.stream()
                        .map(Digest::hex)
                        .collect(Collectors.joining("\n"))
                        .getBytes(StandardCharsets.UTF_8));
        Set<Digest> deleted = new TreeSet<>();
        if (alive(twoDigits).equals(List.of(mine))) {
            List<Digest> old = stillOld(twoDigits, blobs, grace);
            for (int from = 0; from < old.size(); from += MOST_AT_ONCE) {
                if (time.nanos() - beganNanos > LONGEST_DELETION.toNanos()) {
                    throw new IOException(bucket.key(mine) + ": deleting took longer than "
                            + LONGEST_DELETION.toMinutes() + " minutes and was given up; run it again");
                }
                List<Digest> some = old.subList(from, Math.min(old.size(), from + MOST_AT_ONCE));
                deleteNow(some);
                deleted.addAll(some);
            }
        }
        // Not after a failure: the server may still be about to do what it was asked.
        bucket.delete(mine);
        return deleted;
    }

    private List<Digest> stillOld(String twoDigits, Set<Digest> blobs, Duration grace) throws IOException {
        List<Digest> old = new ArrayList<>();
        for (S3Listing.Found found : listing.of("blobs/" + twoDigits + "/")) {
            StoredNames.blob(twoDigits, found.name())
                    .filter(blobs::contains)
                    .filter(_ -> found.age().compareTo(grace) >= 0)
                    .ifPresent(old::add);
        }
        return old;
    }

    private void deleteNow(List<Digest> blobs) throws IOException {
        List<ObjectIdentifier> keys = blobs.stream()
                .map(blob -> ObjectIdentifier.builder()
                        .key(bucket.key(S3Blobs.key(blob)))
                        .build())
                .toList();
        DeleteObjectsResponse answer = bucket.ask(
                "deleting " + keys.size() + " blobs",
                () -> bucket.client()
                        .deleteObjects(delete -> delete.bucket(bucket.name())
                                .delete(all -> all.objects(keys).quiet(true))
                                .overrideConfiguration(request -> request.addPlugin(S3Condemned::sendOnce))));
        if (answer.hasErrors() && !answer.errors().isEmpty()) {
            throw new IOException(bucket.key("blobs/") + ": " + answer.errors().size() + " of " + keys.size()
                    + " blobs were not deleted, the first because: "
                    + answer.errors().getFirst().message()
                    + "; allow s3:DeleteObject below the prefix, and run it again");
        }
    }

    /** Unless the server says that it is too busy to do it. */
    private static void sendOnce(SdkServiceClientConfiguration.Builder config) {
        config.overrideConfiguration(config.overrideConfiguration()
                .copy(o -> o.retryStrategy(DefaultRetryStrategy.standardStrategyBuilder()
                        .useClientDefaults(false)
                        .retryOnException(failed -> failed instanceof S3Exception answer && answer.statusCode() == BUSY)
                        .build())));
    }
}
