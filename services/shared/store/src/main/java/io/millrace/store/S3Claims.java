package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * The claims of a store on S3: each change is a new object, {@code <jobKey>/<number>.json}, made by a conditional create,
 * and the highest number stands. The last {@link #KEPT} stay, so that who is late by as many changes is still refused.
 * Later than that it may believe a claim that another took over; its next beat tells, and the commit decides anyway.
 */
final class S3Claims {
    private static final int KEPT = 16;

    private static final Pattern NAME = Pattern.compile("claims/[^/]+/[0-9]{18}\\.json");

    private final S3Bucket bucket;

    S3Claims(S3Bucket bucket) {
        this.bucket = bucket;
    }

    /** @param number zero if there is none */
    private record Standing(long number, Optional<Claim> claim) {}

    private static String folder(JobKey key) {
        return "claims/" + key + "/";
    }

    static String name(JobKey key, long number) {
        return folder(key) + String.format(Locale.ROOT, "%018d.json", number);
    }

    private static long number(String name) {
        return Long.parseLong(name.substring(name.lastIndexOf('/') + 1, name.length() - ".json".length()));
    }

    /** Other names are none of ours: a server may list what it is just writing. */
    private List<String> names(JobKey key) throws IOException {
        return bucket.list(folder(key)).stream()
                .filter(name -> NAME.matcher(name).matches())
                .toList();
    }

    private Standing standing(JobKey key) throws IOException {
        for (Refusals gone = new Refusals(); ; gone.another(bucket.key(folder(key)))) {
            List<String> names = names(key);
            if (names.isEmpty()) {
                return new Standing(0, Optional.empty());
            }
            String last = names.getLast();
            Optional<byte[]> content = bucket.get(last);
            if (content.isPresent()) {
                return new Standing(number(last), parse(last, content.get()));
            }
        }
    }

    /** A damaged claim counts as none: claims are not needed for correctness. */
    private static Optional<Claim> parse(String name, byte[] content) {
        try {
            return Optional.of(StoredJson.readClaim(name, content));
        } catch (DamagedFileException e) {
            return Optional.empty();
        }
    }

    Optional<Claim> read(JobKey key) throws IOException {
        return standing(key).claim();
    }

    boolean replace(Optional<Claim> expected, Claim next) throws IOException {
        JobKey key = next.key();
        for (Refusals refusals = new Refusals(); ; refusals.another(bucket.key(folder(key)))) {
            Standing standing = standing(key);
            if (!standing.claim().equals(expected)) {
                return false;
            }
            long number = standing.number() + 1;
            if (bucket.create(name(key, number), StoredJson.write(next))) {
                if (number > KEPT) {
                    bucket.delete(name(key, number - KEPT));
                }
                return true;
            }
        }
    }

    /**
     * The highest number goes last, so that an older claim never comes to stand again. What came to stand above it
     * meanwhile is another holder's and stays.
     */
    void drop(JobKey key, String holder) throws IOException {
        Standing standing = standing(key);
        if (standing.claim().filter(claim -> claim.holder().equals(holder)).isPresent()) {
            for (String name : names(key)) {
                if (number(name) <= standing.number()) {
                    bucket.delete(name);
                }
            }
        }
    }
}
