package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.store.FaultProxy.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.core.sync.RequestBody;

/** The store on a network and a server that fail. */
class S3FaultIT {
    private static final int PART_BYTES = 5 << 20;

    @RegisterExtension
    static final S3Server SERVER = new S3Server(S3Proxy::startTrusting);

    @TempDir
    Path temp;

    private final String prefix = "test-" + UUID.randomUUID();
    private FaultProxy proxy;
    private S3Store store;

    @BeforeEach
    void open() throws IOException {
        proxy = new FaultProxy(SERVER.endpoint());
        store = open(Duration.ofSeconds(20));
    }

    private S3Store open(Duration silence) throws IOException {
        S3Address address = S3Address.parse(S3Proxy.address(prefix, proxy.endpoint(), temp.resolve("cache")));
        return S3Store.open(address, silence, PART_BYTES, BlobFolder.RENEWED_AFTER);
    }

    @AfterEach
    void close() {
        store.close();
        proxy.close();
    }

    private static Predicate<String> requests(String method, String part) {
        return request -> request.startsWith(method + " ") && request.contains(part);
    }

    private long asked(String method, String part) {
        return proxy.requests().stream().filter(requests(method, part)).count();
    }

    private Path large() throws IOException {
        byte[] content = new byte[2 * PART_BYTES + 12_345];
        new Random(7).nextBytes(content);
        return Files.write(temp.resolve("weights.bin"), content);
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a refusal that answers one's own success is a success")
    void aRefusalThatAnswersOnesOwnSuccessIsASuccess() throws IOException {
        proxy.next(1, Fault.ANSWER_LOST, requests("PUT", "/results/"));
        JobResult mine = Samples.result(key("a"), "w1");

        Commit commit = store.commit(mine);

        assertThat(asked("PUT", "/results/")).isEqualTo(2);
        assertThat(commit).isEqualTo(new Commit.Won(mine));
        assertThat(store.commit(Samples.result(key("a"), "w2"))).isEqualTo(new Commit.Lost(mine));
    }

    @Test
    void aResultIsDroppedOnceAlsoIfTheAnswerIsLost() throws IOException {
        JobResult damaged = Samples.result(key("a"), "w1");
        store.commit(damaged);
        proxy.next(1, Fault.ANSWER_LOST, requests("PUT", ".dropped"));

        assertThat(store.dropResult(damaged)).isTrue();
        assertThat(store.dropResult(damaged)).isFalse();
    }

    @Test
    void aLeaseSurvivesALostAnswer() throws Exception {
        try (ClaimKeeper keeper = new ClaimKeeper(store)) {
            Acquired acquired = keeper.acquire(key("a"), "me");
            proxy.next(1, Fault.ANSWER_LOST, requests("PUT", "/claims/"));

            Lease lease = ((Acquired.Held) acquired).lease();
            lease.beat();

            assertThat(lease.held()).isTrue();
            assertThat(store.claim(key("a"))).contains(new Claim(key("a"), "me", 1, 2));
        }
    }

    @Test
    void aClaimThatAnotherTookOverMeanwhileIsNotDropped() throws IOException {
        Claim mine = new Claim(key("a"), "me", 1, 1);
        Claim theirs = new Claim(key("a"), "other", 2, 1);
        assertThat(store.replaceClaim(Optional.empty(), mine)).isTrue();
        AtomicInteger listings = new AtomicInteger();
        try (S3Store other =
                S3Store.open(S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("other"))))) {
            // The first listing finds which claim stands, the next one what is to be deleted.
            proxy.next(1, Fault.FAILS, request -> {
                if (requests("GET", "claims").test(request)
                        && request.contains("list-type=2")
                        && listings.incrementAndGet() == 2) {
                    assertThat(replaced(other, mine, theirs)).isTrue();
                }
                return false;
            });

            store.dropClaim(key("a"), "me");
        }

        assertThat(listings).hasValue(2);
        assertThat(store.claim(key("a"))).contains(theirs);
    }

    private static boolean replaced(ArtifactStore store, Claim expected, Claim next) {
        try {
            return store.replaceClaim(Optional.of(expected), next);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Serving machines have credentials that list and read, and no others. */
    @Test
    void aStoreThatIsOpenedToReadIsNotWrittenTo() throws IOException {
        Digest blob = store.put(bytes("content"));
        int before = proxy.requests().size();

        try (S3Store reading = S3Store.openToRead(
                S3Address.parse(S3Proxy.address(prefix, proxy.endpoint(), temp.resolve("reading"))))) {
            assertThat(reading.sizeBytes(blob)).hasValue(7L);
            try (InputStream in = reading.open(blob)) {
                assertThat(in.readAllBytes()).isEqualTo(bytes("content"));
            }
        }

        assertThat(proxy.requests().stream().skip(before))
                .isNotEmpty()
                .allMatch(asked -> asked.startsWith("GET ") || asked.startsWith("HEAD "));
    }

    @Test
    void aFailingServerIsAskedAgain() throws IOException {
        proxy.next(2, Fault.FAILS, requests("PUT", "/blobs/"));
        proxy.next(2, Fault.FAILS, requests("GET", "/blobs/"));

        Digest blob = store.put(bytes("content"));

        try (InputStream in = store.open(blob)) {
            assertThat(in.readAllBytes()).isEqualTo(bytes("content"));
        }
    }

    /** As of a proxy while the server starts: nothing is computed again for it, and no run ends. */
    @Test
    void aMissingPageIsNoMissingBlob() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.PAGE_NOT_FOUND, requests("HEAD", "/blobs/"));

        assertThat(store.sizeBytes(blob)).contains(7L);

        for (Fault fault : List.of(Fault.PAGE_NOT_FOUND, Fault.NOT_FOUND)) {
            proxy.next(1, fault, requests("HEAD", "/blobs/"));
            proxy.next(1, fault, requests("GET", "/blobs/"));

            assertThatThrownBy(() -> store.open(blob))
                    .as(fault.name())
                    .isInstanceOf(IOException.class)
                    .isNotInstanceOf(NoSuchFileException.class)
                    .hasMessageContaining("this is not the bucket's answer; check the endpoint")
                    .hasMessageContaining("status 404");
        }
        assertThat(store.contains(Digest.of("another"))).isFalse();
    }

    @Test
    void aMissingPageIsNoMissingResult() throws IOException {
        store.commit(Samples.result(key("a"), "w1"));
        for (Fault fault : List.of(Fault.PAGE_NOT_FOUND, Fault.NOT_FOUND)) {
            proxy.next(1, fault, requests("GET", "/results/"));

            assertThatThrownBy(() -> store.result(key("a")))
                    .as(fault.name())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("this is not the bucket's answer");
        }
    }

    @Test
    void aFileThatIsGoneOnceItIsStoredIsSaidToBe() throws IOException {
        Path folder = Files.createDirectories(temp.resolve("folder"));
        Files.writeString(folder.resolve("weights.bin"), "weights");
        proxy.next(2, Fault.NO_SUCH_KEY, requests("HEAD", "/blobs/"));
        proxy.next(2, Fault.NO_SUCH_KEY, requests("GET", "/blobs/"));

        assertThatThrownBy(() -> store.publishFolder(folder, new TreeMap<>()))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("was stored for 'weights.bin' and is not there");
    }

    @Test
    void anAnswerWithoutALengthIsNamedAndOneWithoutATimeIsOfNoAge() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.WITHOUT_LENGTH, requests("HEAD", "/blobs/"));

        assertThatThrownBy(() -> store.sizeBytes(blob))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(proxy.endpoint().toString())
                .hasMessageContaining("the answer is not one of S3; check the endpoint")
                .hasMessageContaining("no Content-Length");

        proxy.next(1, Fault.WITHOUT_TIME, requests("HEAD", "/blobs/"));
        assertThat(store.put(bytes("content"))).isEqualTo(blob);
        assertThat(asked("PUT", "/blobs/")).as("it may be old").isEqualTo(2);
    }

    @Test
    void aServerThatKeepsFailingIsNamedAndBlamedOnTheSurroundings() {
        proxy.next(1000, Fault.FAILS, requests("PUT", "/blobs/"));

        assertThatThrownBy(() -> store.put(bytes("content")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server fails or is overloaded")
                .hasMessageContaining(proxy.endpoint().toString());
    }

    @Test
    void aSilentServerIsAskedAgain() throws IOException {
        try (S3Store hasty = open(Duration.ofSeconds(2))) {
            proxy.next(1, Fault.SILENT, requests("PUT", "/blobs/"));

            Digest blob = hasty.put(bytes("content"));

            assertThat(hasty.contains(blob)).isTrue();
            assertThat(asked("PUT", "/blobs/")).isEqualTo(2);
        }
    }

    @Test
    void onlyThePartThatFailedIsSentAgain() throws IOException {
        proxy.next(1, Fault.FAILS, requests("PUT", "partNumber=2"));

        Digest blob = store.put(large());

        assertThat(asked("PUT", "partNumber=1")).isEqualTo(1);
        assertThat(asked("PUT", "partNumber=2")).isEqualTo(2);
        assertThat(asked("PUT", "partNumber=3")).isEqualTo(1);
        try (InputStream in = store.open(blob)) {
            assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(large()));
        }
    }

    @Test
    void anUploadThatCannotBeEndedIsAborted() throws IOException {
        proxy.next(1000, Fault.FAILS, requests("PUT", "partNumber=2"));
        Path file = large();

        assertThatThrownBy(() -> store.put(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("uploading part 2");

        assertThat(asked("DELETE", "uploadId=")).isEqualTo(1);
        assertThat(SERVER.client()
                        .listMultipartUploads(
                                list -> list.bucket(S3Proxy.BUCKET).prefix(prefix))
                        .uploads())
                .isEmpty();
        assertThat(store.contains(Content.of(file).digest())).isFalse();
    }

    @Test
    void aDigestThatTheWriterKnowsIsSentAtOnceAndAWrongOneIsNeverStored() throws IOException {
        Path file = large();
        Digest right = Content.of(file).digest();
        Digest wrong = Digest.of("wrong");

        assertThat(store.put(file, Optional.of(wrong))).isEqualTo(right);

        assertThat(asked("DELETE", "uploadId="))
                .as("begun as told, then aborted")
                .isEqualTo(1);
        assertThat(store.contains(wrong)).isFalse();
        try (InputStream in = store.open(right)) {
            assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(file));
        }
    }

    @Test
    void aDownloadThatIsCutGoesOnWhereItStopped() throws IOException {
        Path folder = large().getParent().resolve("folder");
        Files.createDirectories(folder);
        Files.move(large(), folder.resolve("weights.bin"));
        ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>());
        Digest blob = store.manifest(artifact).files().getFirst().sha256();
        long before = asked("GET", blob.hex());
        proxy.next(3, Fault.CUT, requests("GET", blob.hex()));

        Path out = store.checkOut(artifact, temp.resolve("out"));

        assertThat(Content.of(out.resolve("weights.bin")).digest()).isEqualTo(blob);
        assertThat(asked("GET", blob.hex()) - before).isEqualTo(4);
    }

    @Test
    void anUploadThatTheServerForgotAfterItsEndHasEnded() throws IOException {
        Path file = large();
        proxy.next(1, Fault.UPLOAD_FORGOTTEN, requests("POST", "uploadId="));

        Digest blob = store.put(file);

        try (InputStream in = store.open(blob)) {
            assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(file));
        }
        assertThat(asked("DELETE", "uploadId=")).isZero();
    }

    @Test
    void anUploadThatOthersAbortedIsSaidToBeGone() throws IOException {
        Path file = large();
        proxy.next(1, Fault.NO_SUCH_UPLOAD, requests("POST", "uploadId="));

        assertThatThrownBy(() -> store.put(file))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("completing the upload of")
                .hasMessageContaining("the upload is not there any more")
                .hasMessageContaining("store the file again");
    }

    @Test
    void everyPageOfAListingIsRead() throws Exception {
        store.put(bytes("one"));
        store.put(bytes("two"));
        for (String name : List.of("a", "b", "c")) {
            store.commit(Samples.result(key(name), "w"));
            store.replaceClaim(Optional.empty(), new Claim(key(name), "me", 1, 1));
        }
        store.replaceClaim(Optional.of(new Claim(key("a"), "me", 1, 1)), new Claim(key("a"), "me", 1, 2));
        proxy.next(Integer.MAX_VALUE, Fault.ONE_A_PAGE, requests("GET", "list-type=2"));
        List<Digest> blobs = new ArrayList<>();

        store.inventory().blobs(blob -> blobs.add(blob.digest()));

        assertThat(blobs).containsExactlyInAnyOrder(Digest.of("one"), Digest.of("two"));
        assertThat(store.inventory().results())
                .extracting(Inventory.Result::key)
                .containsExactlyInAnyOrder(key("a"), key("b"), key("c"));
        assertThat(store.inventory().claims()).hasSize(3);
        assertThat(store.claim(key("a"))).contains(new Claim(key("a"), "me", 1, 2));
        assertThat(asked("GET", "continuation-token=")).isGreaterThanOrEqualTo(1 + 2 + 3 + 1);
    }

    /** It would be collected: its age says that nobody has put it for long. */
    @Test
    void anUploadThatOthersAbortedIsNotTakenForTheObjectThatWasThereBefore() throws IOException {
        Path file = large();
        Digest blob = store.put(file);
        proxy.next(2, Fault.LONG_AGO, requests("HEAD", blob.hex()));
        proxy.next(1, Fault.NO_SUCH_UPLOAD, requests("POST", "uploadId="));
        assertThatThrownBy(() -> store.put(file)).hasMessageContaining("the upload is not there any more");

        SERVER.client()
                .putObject(
                        put -> put.bucket(S3Proxy.BUCKET).key(prefix + "/" + S3Blobs.key(blob)),
                        RequestBody.fromString("cut off"));
        proxy.next(1, Fault.NO_SUCH_UPLOAD, requests("POST", "uploadId="));
        assertThatThrownBy(() -> store.put(file)).hasMessageContaining("the upload is not there any more");
    }

    @Test
    void whoOpensTheStoreAbortsUploadsOfLongAgoAndNoOthers() throws IOException {
        SERVER.client()
                .createMultipartUpload(create -> create.bucket(S3Proxy.BUCKET).key(prefix + "/blobs/aa/a"));

        open(Duration.ofSeconds(20)).close();
        assertThat(uploads()).as("it has just begun").isEqualTo(1);
        proxy.next(1, Fault.WITHOUT_TIME, requests("GET", "uploads"));
        open(Duration.ofSeconds(20)).close();
        assertThat(uploads()).as("nobody says when it began").isEqualTo(1);
        proxy.next(1, Fault.DENIED, requests("GET", "uploads"));
        open(Duration.ofSeconds(20)).close();
        assertThat(uploads()).as("nobody may list it").isEqualTo(1);
        proxy.next(1, Fault.LONG_AGO, requests("GET", "uploads"));
        open(Duration.ofSeconds(20)).close();
        assertThat(uploads()).isZero();
    }

    private int uploads() {
        return SERVER.client()
                .listMultipartUploads(list -> list.bucket(S3Proxy.BUCKET).prefix(prefix))
                .uploads()
                .size();
    }

    @Test
    @Timeout(60)
    void aCollectorThatDiedIsNotWaitedForForEver() throws IOException {
        Digest blob = store.put(bytes("content"));
        String announcements = prefix + "/condemned/" + blob.hex().substring(0, 2) + "/";
        SERVER.client()
                .putObject(
                        put -> put.bucket(S3Proxy.BUCKET).key(announcements + "somebody"), RequestBody.fromString("x"));
        proxy.next(1, Fault.LONG_AGO, requests("HEAD", "/blobs/"));
        proxy.next(1, Fault.LONG_AGO, requests("GET", "condemned"));

        assertThat(store.put(bytes("content"))).isEqualTo(blob);

        assertThat(objects(announcements)).isZero();
    }

    private int objects(String below) {
        return SERVER.client()
                .listObjectsV2(list -> list.bucket(S3Proxy.BUCKET).prefix(below))
                .contents()
                .size();
    }

    /** Whoever puts a blob waits no longer for a deleter than that. */
    @Test
    void aDeletionThatTakesTooLongIsGivenUp() throws IOException {
        Digest blob = store.put(bytes("content"));
        S3Address address = S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("cache")));
        try (S3Bucket bucket = S3Bucket.connect(address, Duration.ofSeconds(20))) {
            S3Condemned slow = new S3Condemned(bucket, new PassingTime() {
                @Override
                public synchronized long nanos() {
                    pause(Duration.ofMinutes(5).plusNanos(1));
                    return super.nanos();
                }
            });

            assertThatThrownBy(() -> slow.delete(Set.of(blob), StoreCareContract.ALL_OLD))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("deleting took longer than 5 minutes and was given up");
        }
        assertThat(store.contains(blob)).isTrue();
    }

    @Test
    void aBlobThatTheServerDidNotDeleteIsNotSaidToBeDeleted() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.ONE_NOT_DELETED, requests("POST", "delete"));

        assertThatThrownBy(() -> store.inventory()
                        .delete(List.of(new Inventory.Blob(blob, 7, Duration.ZERO)), StoreCareContract.ALL_OLD))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("1 of 1 blobs were not deleted, the first because: said the server")
                .hasMessageContaining("allow s3:DeleteObject");
    }

    @Test
    void whatHasNoTimeIsNotOld() throws Exception {
        Digest blob = store.put(bytes("content"));
        proxy.next(Integer.MAX_VALUE, Fault.WITHOUT_TIME, requests("GET", "blobs"));
        List<Inventory.Blob> listed = new ArrayList<>();
        store.inventory().blobs(listed::add);

        assertThat(listed).extracting(Inventory.Blob::age).containsExactly(Duration.ZERO);
        assertThat(store.inventory().delete(listed, Duration.ofDays(1))).isEmpty();
        assertThat(store.contains(blob)).isTrue();
    }

    /** Whoever sees it, a worker that still holds the claim or one that takes it over, goes by its last beat. */
    @Test
    void aClaimThatCannotBeDroppedAltogetherStands() throws IOException {
        Optional<Claim> last = Optional.empty();
        for (int beat = 1; beat <= 3; beat++) {
            Claim next = new Claim(key("a"), "me", 1, beat);
            assertThat(store.replaceClaim(last, next)).isTrue();
            last = Optional.of(next);
        }
        proxy.next(1000, Fault.FAILS, requests("DELETE", S3Claims.name(key("a"), 2)));

        assertThatThrownBy(() -> store.dropClaim(key("a"), "me")).hasMessageContaining("deleting claims/");

        assertThat(store.claim(key("a"))).isEqualTo(last);
    }

    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: a commit that nobody answered is made again")
    void aCommitThatNobodyAnsweredIsMadeAgain() throws IOException {
        JobResult mine = Samples.result(key("a"), "w1");
        proxy.next(5, Fault.HUNG_UP, requests("PUT", "/results/"));

        assertThat(store.commit(mine)).isEqualTo(new Commit.Won(mine));

        assertThat(asked("PUT", "/results/")).isEqualTo(6);
        assertThat(store.result(key("a"))).contains(mine);
    }

    @Test
    void aCommitThatMeetsAnotherWriteIsMadeAgain() throws IOException {
        JobResult mine = Samples.result(key("a"), "w1");
        proxy.next(2, Fault.CONFLICT, requests("PUT", "/results/"));

        assertThat(store.commit(mine)).isEqualTo(new Commit.Won(mine));
        assertThat(store.result(key("a"))).contains(mine);
    }

    @Test
    void ofTwoWhoDropAResultOneHasDroppedIt() throws IOException {
        JobResult damaged = Samples.result(key("a"), "w1");
        store.commit(damaged);
        AtomicInteger dropped = new AtomicInteger();
        try (S3Store other =
                S3Store.open(S3Address.parse(S3Proxy.address(prefix, SERVER.endpoint(), temp.resolve("other"))))) {
            proxy.next(1, Fault.FAILS, request -> {
                if (requests("PUT", ".dropped").test(request)) {
                    dropped.addAndGet(dropped(other, damaged) ? 1 : 0);
                }
                return false;
            });

            assertThat(store.dropResult(damaged)).isFalse();
        }
        assertThat(dropped).hasValue(1);
    }

    private static boolean dropped(ArtifactStore store, JobResult result) {
        try {
            return store.dropResult(result);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Its holder has just raised its beat, and deleted the oldest. */
    @Test
    void aClaimThatIsReplacedWhileItIsReadIsReadAgain() throws IOException {
        Claim claim = new Claim(key("a"), "me", 1, 1);
        store.replaceClaim(Optional.empty(), claim);
        proxy.next(1, Fault.NO_SUCH_KEY, requests("GET", "/claims/"));

        assertThat(store.claim(key("a"))).contains(claim);
    }

    @Test
    void aProbeWhoseAnswerIsLostAccusesNobody() throws IOException {
        SERVER.client().deleteObject(delete -> delete.bucket(S3Proxy.BUCKET).key(prefix + "/probe"));
        proxy.next(5, Fault.HUNG_UP, requests("PUT", "/probe"));

        open(Duration.ofSeconds(20)).close();

        assertThat(objects(prefix + "/probe")).isEqualTo(1);
    }

    @Test
    void aServerThatIgnoresRangesIsReadFromTheBeginning() throws IOException {
        Path file = large();
        Digest blob = store.put(file);
        proxy.next(1, Fault.CUT, requests("GET", blob.hex()));
        proxy.next(1, Fault.RANGE_IGNORED, requests("GET", blob.hex()));

        try (InputStream in = store.open(blob)) {
            assertThat(in.readAllBytes()).isEqualTo(Files.readAllBytes(file));
        }
        assertThat(asked("GET", blob.hex())).as("and one before it was stored").isEqualTo(3);
    }

    @Test
    void aByteThatIsChangedOnItsWayDamagesNothing() throws IOException {
        ArtifactRef artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
        Digest weights = Digest.of("weights");
        for (Digest blob : List.of(artifact.manifest(), weights)) {
            proxy.next(1, Fault.BYTE_CHANGED, requests("GET", blob.hex()));
        }

        Path out = store.checkOut(artifact, temp.resolve("out"));

        assertThat(out.resolve("sub/weights.bin")).hasContent("weights");
        assertThat(asked("GET", artifact.manifest().hex()))
                .as("and one before it was stored")
                .isEqualTo(3);
        assertThat(asked("GET", weights.hex()))
                .as("and one before it was stored")
                .isEqualTo(3);
    }

    @Test
    void aServerThatIgnoresConditionsIsRefusedByName() {
        proxy.next(1000, Fault.CONDITION_IGNORED, requests("PUT", "/probe"));

        assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("although 'If-None-Match: *' forbade it")
                .hasMessageContaining("use a server that has them")
                .hasMessageContaining(proxy.endpoint().toString());
    }

    @Test
    void theSelfCheckSeesAServerWhoseConditionsFailUnderLoad() throws InterruptedException {
        proxy.next(1000, Fault.CONDITION_IGNORED, requests("PUT", "/results/"));

        assertThat(Conformance.of(store).problems())
                .anyMatch(problem -> problem.contains("conditional create is not atomic here"));
    }

    @Test
    void theSelfCheckSeesAServerWithoutMultipartUploads() throws InterruptedException {
        proxy.next(1, Fault.UNKNOWN, requests("POST", "uploads"));

        assertThat(Conformance.of(store).problems())
                .singleElement()
                .satisfies(problem -> assertThat(problem)
                        .contains("large files cannot be stored here")
                        .contains("multipart uploads; use another server"));
    }

    @Test
    void aListingEndsWhereTheServerSaysAlsoIfItGivesAnEmptyToken() throws IOException {
        store.commit(Samples.result(key("a"), "w"));
        proxy.next(3, Fault.TOKEN_EMPTY, requests("GET", "results"));

        assertThat(store.inventory().results()).hasSize(1);
        assertThat(asked("GET", "list-type=2"))
                .as("one of them to open the store")
                .isEqualTo(2);
    }

    @Test
    void missingRightsAreNamedWithThoseThatAreNeeded() throws IOException {
        proxy.next(1, Fault.DENIED, requests("PUT", "/blobs/"));
        proxy.next(1, Fault.DENIED, requests("HEAD", "/blobs/"));
        Path file = Files.writeString(temp.resolve("file"), "content");

        for (String asked : List.of("looking for", "writing")) {
            assertThatThrownBy(() -> store.put(file))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining(asked)
                    .hasMessageContaining("the credentials do not allow it; allow s3:ListBucket")
                    .hasMessageContaining("s3:PutObject")
                    .hasMessageContaining("status 403");
        }
        assertThat(store.contains(store.put(file))).isTrue();
    }

    @Test
    void aCollectionThatMayNotDeleteSaysWhichRightIsMissing() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.DENIED, requests("POST", "delete"));

        assertThatThrownBy(() -> store.inventory()
                        .delete(List.of(new Inventory.Blob(blob, 7, Duration.ZERO)), StoreCareContract.ALL_OLD))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("deleting 1 blobs failed")
                .hasMessageContaining("s3:DeleteObject");
        assertThat(store.contains(blob)).isTrue();
        assertThat(objects(prefix + "/condemned/"))
                .as("the server may still do what it was asked")
                .isEqualTo(1);
    }

    @Test
    void aKeyThatNobodyKnowsIsSaidToBeWrongByWhateverWord() {
        proxy.next(1, Fault.USER_NOT_FOUND, requests("GET", "list-type=2"));

        assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server refuses these credentials; correct AWS_ACCESS_KEY_ID");
    }

    @Test
    void aBucketOfAnotherRegionIsSaidToBeOne() {
        for (Fault fault : List.of(Fault.MALFORMED_REGION, Fault.ELSEWHERE)) {
            proxy.next(1, fault, requests("GET", "list-type=2"));

            assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                    .as(fault.name())
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("the bucket is in another region")
                    .hasMessageContaining("?region=");
        }
    }

    /** The SDK first tries the server's time. */
    @Test
    void aClockThatIsOffIsSaidToBe() {
        proxy.next(Integer.MAX_VALUE, Fault.SKEWED, requests("GET", "list-type=2"));

        assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("this machine's clock differs from the server's; set it")
                .hasMessageContaining("RequestTimeTooSkewed");
    }

    @Test
    void withoutCredentialsItIsSaidHowToGiveSome() throws IOException {
        Path nowhere = temp.resolve("no-such-file");
        System.setProperty("aws.disableEc2Metadata", "true");
        System.setProperty("aws.sharedCredentialsFile", nowhere.toString());
        System.setProperty("aws.configFile", nowhere.toString());
        System.clearProperty("aws.accessKeyId");
        System.clearProperty("aws.secretAccessKey");
        try {
            assumeTrue(System.getenv("AWS_ACCESS_KEY_ID") == null, "skipped: there are credentials in the environment");

            assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no credentials were found; set AWS_ACCESS_KEY_ID");
        } finally {
            S3Proxy.knowCredentials();
            List.of("aws.disableEc2Metadata", "aws.sharedCredentialsFile", "aws.configFile")
                    .forEach(System::clearProperty);
        }
    }
}
