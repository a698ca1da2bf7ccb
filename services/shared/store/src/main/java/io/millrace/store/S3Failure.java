package io.millrace.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Locale;
import java.util.Optional;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What a refusal or a silence of the server means to whoever runs it. */
final class S3Failure {
    private static final int LONGEST = 200;

    private final S3Address address;

    S3Failure(S3Address address) {
        this.address = address;
    }

    /**
     * The failure with what to do.
     *
     * @param what that was asked for
     */
    IOException of(String what, SdkException failure) {
        if (failure instanceof AbortedException) {
            return new InterruptedIOException(address + ": " + what + " was interrupted");
        }
        String said = failure instanceof S3Exception answer ? said(answer) : String.valueOf(failure.getMessage());
        String meaning = failure instanceof S3Exception answer
                ? refusal(answer.statusCode(), code(answer))
                : silence(said.toLowerCase(Locale.ROOT));
        return new IOException(address + ": " + what + " failed: " + meaning + " (" + shortened(said) + ")", failure);
    }

    /** Without credentials the SDK says at length where it looked. */
    private static String shortened(String said) {
        return said.length() <= LONGEST ? said : said.substring(0, LONGEST) + " …";
    }

    private String refusal(int status, String code) {
        return switch (code) {
            case "NoSuchBucket" ->
                "the bucket '" + address.bucket() + "' is not there; create it, or correct the address";
            case "InvalidAccessKeyId",
                    "SignatureDoesNotMatch",
                    "InvalidToken",
                    "ExpiredToken",
                    "InvalidClientTokenId" ->
                "the server refuses these credentials; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile"
                        + " or the machine's role";
            case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException" ->
                "the bucket is in another region; name its region with ?region=";
            case "RequestTimeTooSkewed" -> "this machine's clock differs from the server's; set it";
            case "NotImplemented" ->
                "the server does not know this request; Millrace needs conditional writes (If-None-Match and If-Match)"
                        + " and multipart uploads; use another server";
            default -> byStatus(status);
        };
    }

    private String byStatus(int status) {
        if (status == 401 || status == 403) {
            return "the credentials do not allow it; allow s3:ListBucket, s3:ListBucketMultipartUploads on the bucket and"
                    + " s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload below the prefix";
        }
        return status >= 500 || status == 429
                ? "the server fails or is overloaded; the work is tried again by itself"
                : "the server refuses the request; check endpoint, region and path-style in the address";
    }

    private static String silence(String said) {
        if (said.contains("unable to load credentials")) {
            return "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or give the"
                    + " machine a role";
        }
        return said.contains("unable to load region")
                ? "no region is known; name it with ?region= or AWS_REGION"
                : "the server does not answer; check the endpoint and that it runs; the work is tried again by itself";
    }

    private static String said(S3Exception answer) {
        return "status " + answer.statusCode() + " " + code(answer);
    }

    private static String code(S3Exception answer) {
        return Optional.ofNullable(answer.awsErrorDetails())
                .map(AwsErrorDetails::errorCode)
                .orElse("");
    }
}
