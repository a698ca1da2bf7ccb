package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static io.millrace.store.Samples.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Digest;
import io.millrace.store.FaultProxy.Fault;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import software.amazon.awssdk.core.sync.RequestBody;

/** What is listed and deleted, on a network and a server that fail. */
class S3InventoryFaultIT extends S3FaultFixture {
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
    void whatHasNoTimeIsNotOld() throws Exception {
        Digest blob = store.put(bytes("content"));
        proxy.next(Integer.MAX_VALUE, Fault.WITHOUT_TIME, requests("GET", "blobs"));
        List<Inventory.Blob> listed = new ArrayList<>();
        store.inventory().blobs(listed::add);

        assertThat(listed).extracting(Inventory.Blob::age).containsExactly(Duration.ZERO);
        assertThat(store.inventory().delete(listed, Duration.ofDays(1))).isEmpty();
        assertThat(store.contains(blob)).isTrue();
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

    /** A writer who came after the first one finds no blob there, and has no reason to wait for anybody. */
    @Test
    void aDeletionWhoseAnswerWasLostIsNotSentAgainForItCouldTakeWhatWasPutSince() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.ANSWER_LOST, requests("POST", "delete"));

        assertThatThrownBy(() -> store.inventory()
                        .delete(List.of(new Inventory.Blob(blob, 7, Duration.ZERO)), StoreCareContract.ALL_OLD))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("deleting 1 blobs failed");

        assertThat(asked("POST", "delete")).isEqualTo(1);
        assertThat(store.contains(blob)).isFalse();
    }

    @Test
    void aDeletionThatTheServerIsTooBusyForIsSentAgain() throws Exception {
        Digest blob = store.put(bytes("content"));
        proxy.next(2, Fault.BUSY, requests("POST", "delete"));

        assertThat(store.inventory()
                        .delete(List.of(new Inventory.Blob(blob, 7, Duration.ZERO)), StoreCareContract.ALL_OLD))
                .hasSize(1);

        assertThat(store.contains(blob)).isFalse();
    }
}
