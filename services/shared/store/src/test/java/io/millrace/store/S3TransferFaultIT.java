package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.store.FaultProxy.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.core.sync.RequestBody;

/** Blobs on their way, on a network and to a server that fail. */
class S3TransferFaultIT extends S3FaultFixture {
    @Test
    void aFailingServerIsAskedAgain() throws IOException {
        proxy.next(2, Fault.FAILS, requests("PUT", "/blobs/"));
        proxy.next(2, Fault.FAILS, requests("GET", "/blobs/"));

        Digest blob = store.put(bytes("content"));

        try (InputStream in = store.open(blob)) {
            assertThat(in.readAllBytes()).isEqualTo(bytes("content"));
        }
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
    void anAnswerWithoutALengthIsAskedForAgainAndOneWithoutATimeIsOfNoAge() throws IOException {
        Digest blob = store.put(bytes("content"));
        proxy.next(1, Fault.WITHOUT_LENGTH, requests("HEAD", "/blobs/"));
        assertThat(store.sizeBytes(blob)).as("asked again").contains(7L);

        proxy.next(5, Fault.WITHOUT_LENGTH, requests("HEAD", "/blobs/"));
        assertThatThrownBy(() -> store.sizeBytes(blob))
                .isInstanceOf(IOException.class)
                .hasMessageContaining(proxy.endpoint().toString())
                .hasMessageContaining("neither Content-Length nor Transfer-Encoding");

        proxy.next(1, Fault.WITHOUT_TIME, requests("HEAD", "/blobs/"));
        assertThat(store.put(bytes("content"))).isEqualTo(blob);
        assertThat(asked("PUT", "/blobs/")).as("it may be old").isEqualTo(2);
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
}
