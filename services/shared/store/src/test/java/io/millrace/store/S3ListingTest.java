package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.http.SdkHttpResponse;

class S3ListingTest {
    private static Optional<Instant> now(String date) {
        return S3Listing.now(SdkHttpResponse.builder().putHeader("Date", date).build());
    }

    @Test
    void aDateThatIsNoneIsAsIfThereWereNone() {
        assertThat(now("Sun, 06 Nov 1994 08:49:37 GMT")).contains(Instant.parse("1994-11-06T08:49:37Z"));
        assertThat(now("Sunday, 06-Nov-94 08:49:37 GMT")).isEmpty();
        assertThat(now("")).isEmpty();
    }

    @Test
    void anAgeNeedsBothTimes() {
        Instant then = Instant.EPOCH;

        assertThat(S3Listing.age(then, Optional.of(then.plusSeconds(7)))).contains(Duration.ofSeconds(7));
        assertThat(S3Listing.age(then, Optional.empty())).isEmpty();
        assertThat(S3Listing.age(null, Optional.of(then))).isEmpty();
    }
}
