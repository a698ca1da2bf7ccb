package io.millrace.store;

import io.millrace.events.JobKey;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The results of a store on S3. Nothing is ever replaced or deleted, so that a conditional create is all that a server
 * must do atomically (measured: some that accept If-Match lose updates). The result that stands is the first one that
 * was not taken away.
 *
 * <pre>
 * &lt;jobKey&gt;.json                 the first result
 * &lt;jobKey&gt;.json.dropped         it was taken away
 * &lt;jobKey&gt;.2.json               the result after that, and so on
 * </pre>
 */
final class S3Results {
    private static final Pattern NAME = Pattern.compile("([0-9a-f]{64})(?:\\.[0-9]+)?\\.json");

    private final S3Bucket bucket;

    S3Results(S3Bucket bucket) {
        this.bucket = bucket;
    }

    /** The object of the result that stands, or where the next one goes. */
    private record Place(String name, Optional<byte[]> content) {}

    private Place place(JobKey key) throws IOException {
        for (int generation = 1; ; generation++) {
            String name = "results/" + key + (generation == 1 ? "" : "." + generation) + ".json";
            Optional<byte[]> content = bucket.get(name);
            if (content.isEmpty()) {
                return new Place(name, Optional.empty());
            }
            if (bucket.sizeBytes(dropped(name)).isEmpty()) {
                return new Place(name, content);
            }
        }
    }

    private Optional<JobResult> standing(Place place) throws DamagedFileException {
        if (place.content().isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(StoredJson.readResult(
                    bucket.place(place.name()), place.content().get()));
        } catch (DamagedFileException e) {
            throw new DamagedFileException(e.getMessage() + "; delete this object, and the job is done again", e);
        }
    }

    private static String dropped(String name) {
        return name + ".dropped";
    }

    Optional<JobResult> read(JobKey key) throws IOException {
        return standing(place(key));
    }

    /** The object of the result that stands. */
    String name(JobKey key) throws IOException {
        return place(key).name();
    }

    Commit commit(JobResult result) throws IOException {
        byte[] content = StoredJson.write(result);
        for (Refusals refusals = new Refusals(); ; refusals.another(bucket.key("results/" + result.key()))) {
            Place place = place(result.key());
            Optional<JobResult> standing = standing(place);
            if (standing.isPresent()) {
                // A refusal may answer one's own success, whose answer was lost.
                return standing.get().writer().equals(result.writer())
                        ? new Commit.Won(standing.get())
                        : new Commit.Lost(standing.get());
            }
            if (bucket.create(place.name(), content)) {
                return new Commit.Won(result);
            }
        }
    }

    /** The keys whose last result was not taken away. */
    List<Inventory.Result> standing() throws IOException {
        Map<String, S3Listing.Found> objects = new TreeMap<>();
        new S3Listing(bucket).of("results/").forEach(object -> objects.put(object.name(), object));
        List<Inventory.Result> standing = new ArrayList<>();
        for (S3Listing.Found object : objects.values()) {
            Matcher name = NAME.matcher(object.name());
            if (name.matches() && !objects.containsKey(dropped(object.name()))) {
                standing.add(new Inventory.Result(JobKey.parse(name.group(1)), object.age()));
            }
        }
        return standing;
    }

    boolean drop(JobResult damaged) throws IOException {
        return drop(
                        damaged.key(),
                        place -> standing(place)
                                .filter(r -> r.writer().equals(damaged.writer()))
                                .map(JobResult::writer))
                .isPresent();
    }

    /** Returns why nobody can read what stood there. */
    Optional<String> dropUnreadable(JobKey key) throws IOException {
        return drop(
                key,
                place ->
                        place.content().flatMap(content -> StoredJson.unreadable(bucket.place(place.name()), content)));
    }

    /** Whether, and why, the result at a place is to go. */
    private interface Reason {
        Optional<String> of(Place place) throws IOException;
    }

    private Optional<String> drop(JobKey key, Reason reason) throws IOException {
        byte[] mine = UUID.randomUUID().toString().getBytes(StandardCharsets.UTF_8);
        for (Refusals refusals = new Refusals(); ; refusals.another(bucket.key("results/" + key))) {
            Place place = place(key);
            Optional<String> why = reason.of(place);
            String name = dropped(place.name());
            if (why.isEmpty()
                    || bucket.create(name, mine)
                    || bucket.get(name).filter(id -> Arrays.equals(id, mine)).isPresent()) {
                return why;
            }
        }
    }
}
