package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.events.Digest;
import io.millrace.store.FaultProxy.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Servers, credentials and clocks that will not do, and what is said of them. */
class S3RefusalIT extends S3FaultFixture {
    @Test
    void aServerThatKeepsFailingIsNamedAndBlamedOnTheSurroundings() {
        proxy.next(1000, Fault.FAILS, requests("PUT", "/blobs/"));

        assertThatThrownBy(() -> store.put(bytes("content")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server fails or is overloaded")
                .hasMessageContaining(proxy.endpoint().toString());
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
    void aKeyThatNobodyKnowsIsSaidToBeWrongByWhateverWord() {
        proxy.next(1, Fault.USER_NOT_FOUND, requests("GET", "list-type=2"));

        assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("the server refuses these credentials; correct AWS_ACCESS_KEY_ID");
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
    void aServerThatIgnoresConditionsIsRefusedByName() {
        proxy.next(1000, Fault.CONDITION_IGNORED, requests("PUT", "/probe"));

        assertThatThrownBy(() -> open(Duration.ofSeconds(20)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("although 'If-None-Match: *' forbade it")
                .hasMessageContaining("use a server that has them")
                .hasMessageContaining(proxy.endpoint().toString());
    }

    @Test
    void aProbeWhoseAnswerIsLostAccusesNobody() throws IOException {
        SERVER.client().deleteObject(delete -> delete.bucket(S3Proxy.BUCKET).key(prefix + "/probe"));
        proxy.next(5, Fault.HUNG_UP, requests("PUT", "/probe"));

        open(Duration.ofSeconds(20)).close();

        assertThat(objects(prefix + "/probe")).isEqualTo(1);
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

        assertThat(temp.resolve("reading")).as("the cache").doesNotExist();
        assertThat(proxy.requests().stream().skip(before))
                .isNotEmpty()
                .allMatch(asked -> asked.startsWith("GET ") || asked.startsWith("HEAD "));
    }
}
