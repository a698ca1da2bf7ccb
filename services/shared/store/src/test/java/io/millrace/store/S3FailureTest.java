package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkClientException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What each word of a server tells its user to do. */
class S3FailureTest {
    private static S3Failure failures() throws IOException {
        return new S3Failure(S3Address.parse("s3://models/x"));
    }

    private static IOException of(int status, String code) throws IOException {
        AwsErrorDetails details = AwsErrorDetails.builder().errorCode(code).build();
        return failures()
                .of(
                        "looking for some/blob",
                        S3Exception.builder()
                                .statusCode(status)
                                .awsErrorDetails(details)
                                .build());
    }

    @Test
    void eachCodeHasItsRemedy() throws IOException {
        Map<String, String> remedies = Map.ofEntries(
                Map.entry("NoSuchBucket", "the bucket 'models' is not there; create it"),
                Map.entry("InvalidAccessKeyId", "refuses these credentials; correct"),
                Map.entry("SignatureDoesNotMatch", "refuses these credentials; correct"),
                Map.entry("InvalidToken", "refuses these credentials; correct"),
                Map.entry("ExpiredToken", "refuses these credentials; correct"),
                Map.entry("InvalidClientTokenId", "refuses these credentials; correct"),
                Map.entry("PermanentRedirect", "name its region with ?region="),
                Map.entry("AuthorizationHeaderMalformed", "name its region with ?region="),
                Map.entry("IllegalLocationConstraintException", "name its region with ?region="),
                Map.entry("NotImplemented", "needs conditional writes"));
        for (Map.Entry<String, String> remedy : remedies.entrySet()) {
            assertThat(of(400, remedy.getKey()))
                    .isInstanceOf(StoreUnreachableException.class)
                    .hasMessageStartingWith("s3://models/x/: looking for some/blob failed: ")
                    .hasMessageContaining(remedy.getValue())
                    .hasMessageEndingWith("(status 400 " + remedy.getKey() + ")");
        }
    }

    @Test
    void aCodeThatNobodyKnowsIsReadByItsStatus() throws IOException {
        Map<Integer, String> remedies = Map.of(
                400, "check endpoint, region and path-style in the address",
                401, "allow s3:ListBucket",
                403, "allow s3:ListBucket",
                404, "this is not the bucket's answer",
                429, "try again later",
                500, "try again later",
                503, "try again later");
        for (Map.Entry<Integer, String> remedy : remedies.entrySet()) {
            assertThat(of(remedy.getKey(), "Whatever")).hasMessageContaining(remedy.getValue());
        }
    }

    @Test
    void whereNoRegionIsKnownItIsSaidHowToNameOne() throws IOException {
        SdkClientException failure = SdkClientException.create("Unable to load region from any of the providers");

        assertThat(failures().of("opening the store", failure))
                .hasMessageContaining("no region is known; name it with ?region= or AWS_REGION");
    }

    /** A worker that is stopped has no quarrel with its store. */
    @Test
    void anInterruptionIsOne() throws IOException {
        assertThat(failures().of("looking for some/blob", AbortedException.create("stopped")))
                .isInstanceOf(InterruptedIOException.class);
    }
}
