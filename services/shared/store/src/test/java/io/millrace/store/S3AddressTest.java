package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;

class S3AddressTest {
    @Test
    void aBucketAloneIsEnough() throws IOException {
        S3Address address = S3Address.parse("s3://models");

        assertThat(address.bucket()).isEqualTo("models");
        assertThat(address.prefix()).isEmpty();
        assertThat(address.endpoint()).isEmpty();
        assertThat(address.region()).isEmpty();
        assertThat(address.pathStyle()).isFalse();
    }

    @Test
    void everyOptionIsRead() throws IOException {
        S3Address address =
                S3Address.parse("s3://models/team%20a/b/?endpoint=https%3A%2F%2Fs3.local:9000&region=eu-central-1"
                        + "&path-style&cache=/fast/cache&cache-gib=200");

        assertThat(address.prefix()).isEqualTo("team a/b/");
        assertThat(address.endpoint()).contains(URI.create("https://s3.local:9000"));
        assertThat(address.region()).contains("eu-central-1");
        assertThat(address.pathStyle()).isTrue();
        assertThat(address.cacheFolder()).isEqualTo(Path.of("/fast/cache"));
        assertThat(address.cacheBytes()).isEqualTo(200L << 30);
        assertThat(address).hasToString("s3://models/team a/b/ at https://s3.local:9000");
    }

    @Test
    void anAddressThatIsWrongSaysWhereAndWhatIsExpected() {
        Map<String, String> wrong = Map.of(
                "s3:models", "names no bucket",
                "s3://Models/x", "'Models'",
                "s3://models?path-stile", "unknown option 'path-stile'",
                "s3://models?endpoint=s3.local", "'s3.local', expected http(s)://host:port",
                "s3://models?cache-gib=0", "cache size '0' GiB",
                "s3://models?cache-gib=much", "cache size 'much' GiB",
                "s3://models/a b", "is no address");
        wrong.forEach((address, said) -> assertThatThrownBy(() -> Stores.open(address))
                .as(address)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(said)
                .hasMessageContaining("expected s3://bucket/prefix"));
    }

    @Test
    void credentialsInAnAddressAreRefusedAndNotShown() {
        for (String address : new String[] {
            "s3://me:sesame-7@models/x", "s3://me:sesame 7@models/x", "s3://models?endpoint=http://me:sesame-7@host"
        }) {
            assertThatThrownBy(() -> Stores.open(address))
                    .as(address)
                    .isInstanceOf(IOException.class)
                    .hasMessageNotContaining("sesame");
        }
    }
}
