package io.millrace.store;

import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** What lies below the prefix of an {@link S3Store}. Names that Millrace does not give are left alone. */
final class S3Inventory implements Inventory {
    private final S3Bucket bucket;
    private final S3Listing listing;
    private final S3Uploads uploads;
    private final S3Results results;
    private final S3Condemned condemned;

    S3Inventory(S3Bucket bucket, S3Uploads uploads, S3Results results, S3Condemned condemned) {
        this.bucket = bucket;
        this.listing = new S3Listing(bucket);
        this.uploads = uploads;
        this.results = results;
        this.condemned = condemned;
    }

    @Override
    public void blobs(Visitor visitor) throws IOException, InterruptedException {
        listing.each("blobs/", object -> {
            String[] parts = object.key().split("/", -1);
            Optional<Digest> digest = parts.length == 3 ? StoredNames.blob(parts[1], parts[2]) : Optional.empty();
            if (digest.isPresent()) {
                visitor.visit(new Blob(digest.get(), object.sizeBytes(), object.age()));
            }
        });
    }

    @Override
    public List<Result> results() throws IOException {
        return results.standing();
    }

    @Override
    public List<JobKey> claims() throws IOException {
        Set<JobKey> keys = new TreeSet<>();
        for (S3Listing.Found object : listing.of("claims/")) {
            String folder = object.key().split("/", -1)[1];
            StoredNames.digest(folder).map(JobKey::new).ifPresent(keys::add);
        }
        return List.copyOf(keys);
    }

    @Override
    public List<Leftover> leftovers() throws IOException {
        List<Leftover> leftovers = new ArrayList<>();
        for (S3Uploads.UnderWay upload : uploads.underWay()) {
            leftovers.add(new Leftover("upload of " + bucket.name() + "/" + upload.fullKey(), upload.age()));
        }
        for (S3Listing.Found object : listing.of("condemned/")) {
            leftovers.add(new Leftover(bucket.place(object.key()), object.age()));
        }
        return leftovers;
    }

    @Override
    public List<Blob> delete(List<Blob> blobs, Duration grace) throws IOException {
        Set<Digest> digests = blobs.stream().map(Blob::digest).collect(Collectors.toSet());
        Set<Digest> deleted = condemned.delete(digests, grace);
        return blobs.stream().filter(blob -> deleted.contains(blob.digest())).toList();
    }

    @Override
    public String place(Digest blob) {
        return bucket.place(S3Blobs.key(blob));
    }

    @Override
    public String place(JobKey key) throws IOException {
        return bucket.place(results.name(key));
    }
}
