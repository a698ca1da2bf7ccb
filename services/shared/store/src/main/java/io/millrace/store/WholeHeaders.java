package io.millrace.store;

import java.util.EnumSet;
import java.util.Set;
import software.amazon.awssdk.core.exception.RetryableException;
import software.amazon.awssdk.core.interceptor.Context;
import software.amazon.awssdk.core.interceptor.ExecutionAttributes;
import software.amazon.awssdk.core.interceptor.ExecutionInterceptor;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpResponse;

/**
 * Refuses an answer with content that does not say where the content ends, and asks again. A connection that is cut within
 * the headers leaves such an answer, and the HTTP client takes it for whole: a listing without names, an object without
 * bytes, one of no size.
 */
final class WholeHeaders implements ExecutionInterceptor {
    private static final Set<SdkHttpMethod> WITH_LENGTH =
            EnumSet.of(SdkHttpMethod.GET, SdkHttpMethod.HEAD, SdkHttpMethod.POST);

    @Override
    public void beforeUnmarshalling(Context.BeforeUnmarshalling context, ExecutionAttributes attributes) {
        SdkHttpResponse answer = context.httpResponse();
        if (answer.isSuccessful()
                && WITH_LENGTH.contains(context.httpRequest().method())
                && answer.firstMatchingHeader("Content-Length").isEmpty()
                && answer.firstMatchingHeader("Transfer-Encoding").isEmpty()) {
            throw RetryableException.create(
                    "the answer has neither Content-Length nor Transfer-Encoding, as one that was cut within its headers");
        }
    }
}
