package io.millrace.store;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.security.GeneralSecurityException;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SSLException;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/** What a refusal or a silence of the server means to whoever runs it. */
final class S3Failure {
    /** With no credentials the SDK first names all places where it looked, and then what it found in each. */
    private static final Pattern CHAIN = Pattern.compile("AwsCredentialsProviderChain\\(.*?\\]\\) : ");

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
                : silence(said.toLowerCase(Locale.ROOT), failure);
        return failed(what, meaning, CHAIN.matcher(said).replaceFirst(""), failure);
    }

    /** The answer is none that a server of S3 gives. */
    IOException unreadable(String what, RuntimeException failure) {
        return failed(
                what,
                "the answer is not one of S3; check the endpoint and what stands before it",
                String.valueOf(failure),
                failure);
    }

    /** The SDK cannot work with what the address, a profile or a variable says. */
    IOException unusable(RuntimeException failure) {
        return failed(
                "opening the store",
                "the settings cannot be used; correct the address, the profile or the AWS_... variables",
                String.valueOf(failure),
                failure);
    }

    private IOException failed(String what, String meaning, String said, RuntimeException failure) {
        return new StoreUnreachableException(
                address + ": " + what + " failed: " + meaning + " (" + said + ")", failure);
    }

    private String refusal(int status, String code) {
        return switch (code) {
            case "NoSuchBucket" ->
                "the bucket '" + address.bucket() + "' is not there; create it, or correct the address";
            case "InvalidAccessKeyId",
                    "SignatureDoesNotMatch",
                    "InvalidToken",
                    "ExpiredToken",
                    "InvalidClientTokenId",
                    // Versity's word for a key that it does not know, with status 404.
                    "XAdminUserNotFound" ->
                "the server refuses these credentials; correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile"
                        + " or the machine's role";
            case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException" ->
                "the bucket is in another region; name its region with ?region=";
            case "RequestTimeTooSkewed" -> "this machine's clock differs from the server's; set it";
            case "NoSuchUpload" ->
                "the upload is not there any more, ended by a rule of the bucket or by another process; store the file"
                        + " again";
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
        if (status == 404) {
            return "this is not the bucket's answer; check the endpoint, and that the server behind it runs";
        }
        return status >= 500 || status == 429
                ? "the server fails or is overloaded; try again later, as workers do"
                : "the server refuses the request; check endpoint, region and path-style in the address";
    }

    private static String silence(String said, SdkException failure) {
        if (said.contains("unable to load credentials")) {
            return "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or give the"
                    + " machine a role";
        }
        if (said.contains("unable to load region")) {
            return "no region is known; name it with ?region= or AWS_REGION";
        }
        if (causes(failure).anyMatch(GeneralSecurityException.class::isInstance)) {
            return "the server's certificate is not trusted; name a trust store that holds its authority:"
                    + " MILLRACE_JAVA_OPTS=-Djavax.net.ssl.trustStore=FILE";
        }
        return causes(failure).anyMatch(SSLException.class::isInstance)
                ? "no TLS could be agreed on; check that the endpoint's port speaks https and the name in its certificate"
                : "the server does not answer; check the endpoint and that it runs; try again later, as workers do";
    }

    private static Stream<Throwable> causes(Throwable failure) {
        return Stream.iterate(failure, Objects::nonNull, Throwable::getCause);
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
