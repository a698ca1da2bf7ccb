package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.JobKey;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.model.S3Object;

class S3StoreIT extends WrittenStoreContract {
    private static final int PART_BYTES = 5 << 20;

    @RegisterExtension
    static final S3Server SERVER = new S3Server(S3Proxy::start);

    private final String prefix = "test-" + UUID.randomUUID();

    @AfterEach
    void close() throws IOException {
        S3Proxy.knowCredentials();
        store.close();
    }

    @Override
    ArtifactStore create(Path temp) throws IOException {
        S3Address address = S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache")));
        return S3Store.open(address, Duration.ofSeconds(20), PART_BYTES, BlobFolder.RENEWED_AFTER);
    }

    private String blobKey(Digest blob) {
        return prefix + "/blobs/" + blob.hex().substring(0, 2) + "/" + blob.hex();
    }

    private void damage(Digest blob, String content) {
        SERVER.client()
                .putObject(put -> put.bucket(S3Proxy.BUCKET).key(blobKey(blob)), RequestBody.fromString(content));
    }

    private List<String> keys(String below) {
        return SERVER
                .client()
                .listObjectsV2(list -> list.bucket(S3Proxy.BUCKET).prefix(prefix + "/" + below))
                .contents()
                .stream()
                .map(S3Object::key)
                .toList();
    }

    private Path cached(Digest blob) {
        return temp.resolve("cache/blobs").resolve(blob.hex().substring(0, 2)).resolve(blob.hex());
    }

    @Test
    void aDamagedBlobIsNoticedWhenItIsReadAndWhenItIsCheckedOut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Digest weights = Digest.of("weights");
        damage(weights, "wEights");

        try (InputStream in = store.open(weights)) {
            assertThatThrownBy(in::readAllBytes)
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageContaining(blobKey(weights));
        }
        assertThatThrownBy(() -> store.checkOut(artifact, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining(weights.hex());
    }

    @Test
    void aDamagedBlobIsFoundByACheckWithTheResultThatNeedsIt() throws Exception {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        store.commit(Samples.result(key("a"), artifact, "w"));
        Digest weights = Digest.of("weights");
        damage(weights, "wEights");

        StoreCheck.Report report = new StoreCheck(store, (_, _, _) -> {}).run(List.of());

        assertThat(report.damages())
                .containsExactly(new StoreCheck.Damage(
                        S3Proxy.BUCKET + "/" + blobKey(weights),
                        false,
                        "has 7 bytes whose digest is another one",
                        List.of(key("a")),
                        List.of(artifact.manifest())));
    }

    @Test
    void aBlobOfTheWrongSizeIsIncompleteAndIsMendedByTheNextPut() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        damage(Digest.of("weights"), "weig");

        assertThat(store.isComplete(artifact)).isFalse();
        assertThat(store.publishFolder(Samples.folder(temp), new TreeMap<>())).isEqualTo(artifact);
        assertThat(store.isComplete(artifact)).isTrue();
    }

    @Test
    void aLargeFileIsStoredInPartsAndReadBack() throws IOException {
        byte[] content = new byte[2 * PART_BYTES + 12_345];
        new Random(7).nextBytes(content);
        Path folder = Files.createDirectories(temp.resolve("large"));
        Files.write(folder.resolve("weights.bin"), content);

        ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>());
        Path out = store.checkOut(artifact, temp.resolve("out"));

        assertThat(out.resolve("weights.bin")).hasBinaryContent(content);
        assertThat(SERVER.client()
                        .headObject(head -> head.bucket(S3Proxy.BUCKET).key(blobKey(Digest.of(content))))
                        .eTag())
                .endsWith("-3\"");
        assertThat(SERVER.client()
                        .listMultipartUploads(list -> list.bucket(S3Proxy.BUCKET))
                        .uploads())
                .isEmpty();
    }

    @Test
    void uploadsThatWereLeftBehindAreAbortedAndOthersAreNot() throws IOException {
        for (String key : List.of(prefix + "/blobs/aa/a", "elsewhere/blobs/aa/a")) {
            SERVER.client()
                    .createMultipartUpload(
                            create -> create.bucket(S3Proxy.BUCKET).key(key));
        }
        S3Address address = S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache")));
        try (S3Bucket bucket = S3Bucket.connect(address, Duration.ofSeconds(20))) {
            S3Uploads uploads = new S3Uploads(bucket, PART_BYTES);

            uploads.sweep(Duration.ofHours(1));
            int afterAnHour = uploads(prefix);
            List<Inventory.Leftover> leftovers = store.inventory().leftovers();
            uploads.sweep(Duration.ofHours(-1));

            assertThat(afterAnHour).isEqualTo(1);
            assertThat(leftovers)
                    .extracting(Inventory.Leftover::name)
                    .containsExactly("upload of " + S3Proxy.BUCKET + "/" + prefix + "/blobs/aa/a");
            assertThat(uploads(prefix)).isZero();
            assertThat(uploads("elsewhere")).isEqualTo(1);
        } finally {
            SERVER.client()
                    .listMultipartUploads(list -> list.bucket(S3Proxy.BUCKET))
                    .uploads()
                    .forEach(upload -> SERVER.client()
                            .abortMultipartUpload(abort -> abort.bucket(S3Proxy.BUCKET)
                                    .key(upload.key())
                                    .uploadId(upload.uploadId())));
        }
    }

    private static int uploads(String below) {
        return SERVER.client()
                .listMultipartUploads(list -> list.bucket(S3Proxy.BUCKET).prefix(below))
                .uploads()
                .size();
    }

    @Test
    void aFileThatIsReadAgainComesFromTheCache() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        store.checkOut(artifact, temp.resolve("out"));
        damage(Digest.of("weights"), "wEights");

        Path again = store.checkOut(artifact, temp.resolve("again"));

        assertThat(again.resolve("sub/weights.bin")).hasContent("weights");
    }

    @Test
    void aCachedFileThatWasDamagedIsFetchedAgain() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        store.checkOut(artifact, temp.resolve("out"));
        for (String damaged : List.of("wEights", "weig")) {
            Files.delete(cached(Digest.of("weights")));
            Files.writeString(cached(Digest.of("weights")), damaged);

            Path again = store.checkOut(artifact, temp.resolve("again"));

            assertThat(again.resolve("sub/weights.bin")).hasContent("weights");
        }
    }

    @Override
    void overwriteResult(JobKey key, String content) {
        String standing = keys("results/" + key).stream()
                .filter(name -> name.endsWith(".json")
                        && !keys(name.substring(prefix.length() + 1)).contains(name + ".dropped"))
                .findFirst()
                .orElseThrow();
        SERVER.client().putObject(put -> put.bucket(S3Proxy.BUCKET).key(standing), RequestBody.fromString(content));
    }

    @Test
    void aDamagedResultIsNamedByItsObjectWithTheRemedy() throws Exception {
        JobResult first = Samples.result(key("a"), "w1");
        store.commit(first);
        store.dropResult(first);
        store.commit(Samples.result(key("a"), "w2"));
        String second = prefix + "/results/" + key("a") + ".2.json";
        assertThat(keys("results/")).contains(second);
        SERVER.client().putObject(put -> put.bucket(S3Proxy.BUCKET).key(second), RequestBody.fromString("{"));

        assertThatThrownBy(() -> store.result(key("a")))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageStartingWith(S3Proxy.BUCKET + "/" + second)
                .hasMessageEndingWith("; delete this object, and the job is done again");
        assertThat(new StoreCheck(store, (_, _, _) -> {}).run(List.of()).damages())
                .extracting(StoreCheck.Damage::place)
                .containsExactly(S3Proxy.BUCKET + "/" + second);

        SERVER.client().deleteObject(delete -> delete.bucket(S3Proxy.BUCKET).key(second));
        JobResult third = Samples.result(key("a"), "w3");
        assertThat(store.commit(third)).isEqualTo(new Commit.Won(third));
        assertThat(store.result(key("a"))).contains(third);
    }

    @Test
    void aDroppedClaimLeavesNothingBehind() throws IOException {
        store.replaceClaim(Optional.empty(), new Claim(key("a"), "one", 1, 0));
        assertThat(keys("claims/")).hasSize(1);

        store.dropClaim(key("a"), "one");

        assertThat(keys("claims/")).isEmpty();
    }

    /** A job of a day raises its beat thousands of times. */
    @Test
    void ofAClaimThatIsReplacedAgainAndAgainFewObjectsStay() throws IOException {
        Optional<Claim> last = Optional.empty();
        for (int beat = 1; beat <= 20; beat++) {
            Claim next = new Claim(key("a"), "one", 1, beat);
            assertThat(store.replaceClaim(last, next)).isTrue();
            last = Optional.of(next);
        }

        assertThat(keys("claims/")).hasSize(16);
        assertThat(store.claim(key("a"))).isEqualTo(last);
    }

    @Test
    void nothingIsWrittenOutsideThePrefix() throws IOException {
        store.put(bytes("content"));
        store.commit(Samples.result(key("a"), "w"));

        assertThat(SERVER.client()
                        .listObjectsV2(list -> list.bucket(S3Proxy.BUCKET))
                        .contents())
                .extracting(S3Object::key)
                .allMatch(key -> key.startsWith("test-"));
    }

    @Test
    void theAddressOpensTheSameStore() throws IOException {
        Digest blob = store.put(bytes("content"));

        try (ArtifactStore other =
                Stores.open(S3Proxy.address(prefix + "/", SERVER.endpoint(), temp.resolve("cache")))) {
            assertThat(other.contains(blob)).isTrue();
        }
    }

    @Test
    void aBucketThatIsNotThereIsNamed() {
        String address = S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache"))
                .replace(S3Proxy.BUCKET, "nobody-made-this");

        assertThatThrownBy(() -> Stores.open(address))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the bucket 'nobody-made-this' is not there; create it")
                .hasMessageContaining(SERVER.endpoint().toString());
    }

    @Test
    void wrongCredentialsAreSaidToBeWrongAndAreNotShown() {
        for (List<String> wrong :
                List.of(List.of("test-identity", "sesame-7"), List.of("nobody-special", "sesame-7"))) {
            S3Proxy.credentials(wrong.getFirst(), wrong.getLast());

            assertThatThrownBy(() -> Stores.open(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache"))))
                    .as(wrong.getFirst())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("the server refuses these credentials; correct AWS_ACCESS_KEY_ID")
                    .hasMessageContaining(S3Proxy.BUCKET)
                    .hasMessageContaining(SERVER.endpoint().toString())
                    .hasMessageNotContaining("sesame-7");
        }
    }

    @Test
    void aServerThatDoesNotAnswerIsNamed() {
        URI nobody = URI.create("http://127.0.0.1:1");

        assertThatThrownBy(() -> Stores.open(S3Proxy.address(prefix, nobody, temp.resolve("cache"))))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server does not answer; check the endpoint")
                .hasMessageContaining(nobody.toString());
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a blob that is put while it is deleted is there when the put returns")
    void aBlobThatIsPutWhileItIsDeletedIsThereAfterwards() throws Exception {
        Digest blob = store.put(bytes("content"));
        String announcement = prefix + "/condemned/" + blob.hex().substring(0, 2) + "/somebody";
        SERVER.client().putObject(put -> put.bucket(S3Proxy.BUCKET).key(announcement), RequestBody.fromString("x"));
        S3Address address = S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache")));
        try (S3Store everythingIsOld =
                        S3Store.open(address, Duration.ofSeconds(20), PART_BYTES, Duration.ofSeconds(-5));
                ExecutorService threads = Executors.newSingleThreadExecutor()) {

            Future<Digest> put = threads.submit(() -> everythingIsOld.put(bytes("content")));
            assertThatThrownBy(() -> put.get(3, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
            for (String key : List.of(blobKey(blob), announcement)) {
                SERVER.client()
                        .deleteObject(delete -> delete.bucket(S3Proxy.BUCKET).key(key));
            }

            assertThat(put.get(30, TimeUnit.SECONDS)).isEqualTo(blob);
            assertThat(store.contains(blob)).isTrue();
        }
    }

    @Test
    void whoeverSeesAnotherCollectorLeavesTheBlobsToHim() throws Exception {
        Digest blob = store.put(bytes("content"));
        String announcement = prefix + "/condemned/" + blob.hex().substring(0, 2) + "/somebody";
        SERVER.client().putObject(put -> put.bucket(S3Proxy.BUCKET).key(announcement), RequestBody.fromString("x"));
        List<Inventory.Blob> listed = new ArrayList<>();
        store.inventory().blobs(listed::add);

        List<Inventory.Blob> beside = store.inventory().delete(listed, ALL_OLD);
        SERVER.client().deleteObject(delete -> delete.bucket(S3Proxy.BUCKET).key(announcement));
        List<Inventory.Blob> alone = store.inventory().delete(listed, ALL_OLD);

        assertThat(beside).isEmpty();
        assertThat(alone).extracting(Inventory.Blob::digest).containsExactly(blob);
        assertThat(keys("condemned/")).isEmpty();
    }
}
