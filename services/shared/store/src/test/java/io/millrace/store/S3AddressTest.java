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
        assertThat(address.cacheBytes()).isEqualTo(50L << 30);
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
    void onlyPercentIsDecodedAndPathStyleMayBeSwitchedOff() throws IOException {
        S3Address address = S3Address.parse("s3://models?cache=/a++b/c%2B%20d&path-style=false");

        assertThat(address.cacheFolder()).isEqualTo(Path.of("/a++b/c+ d"));
        assertThat(address.pathStyle()).isFalse();
        assertThat(S3Address.parse("s3://models?path-style=true").pathStyle()).isTrue();
    }

    @Test
    void anAddressThatIsWrongSaysWhereAndWhatIsExpected() {
        Map<String, String> wrong = Map.ofEntries(
                Map.entry("s3:models", "names no bucket"),
                Map.entry("s3://Models/x", "'Models'"),
                Map.entry("s3://models?path-stile", "unknown option 'path-stile'"),
                Map.entry("s3://models?path-style=yes", "path-style 'yes', expected true or false"),
                Map.entry("s3://models?endpoint=s3.local", "'s3.local', expected http(s)://host:port"),
                Map.entry("s3://models?endpoint=http://s3.local:99999", "port 99999"),
                Map.entry("s3://models?region=", "region '', expected a name"),
                Map.entry("s3://models?region=eu%20central", "region 'eu central'"),
                Map.entry("s3://models?cache=", "names no folder with 'cache='"),
                Map.entry("s3://models?cache-gib=0", "cache size '0' GiB"),
                Map.entry("s3://models?cache-gib=much", "cache size 'much' GiB"),
                Map.entry("s3://models/a#b?path-style", "is cut off at the '#'; write it as %23"),
                Map.entry("s3://models/a//b", "the part '' in its prefix"),
                Map.entry("s3://models/./b", "the part '.' in its prefix"),
                Map.entry("s3://models/a/..", "the part '..' in its prefix"),
                Map.entry("s3://models/a b", "is no address"));
        wrong.forEach((address, said) -> assertThatThrownBy(() -> Stores.open(address))
                .as(address)
                .isInstanceOf(IOException.class)
                .hasMessageContaining(said)
                .hasMessageContaining("expected s3://bucket/prefix"));
    }

    @Test
    void credentialsInAnAddressAreRefusedAndNotShown() {
        for (String address : new String[] {
            "s3://me:sesame-7@models/x",
            "s3://me:sesame 7@models/x",
            "s3://models?endpoint=http://me:sesame-7@host",
            "s3://models?endpoint=http://me:sesame%207@host"
        }) {
            assertThatThrownBy(() -> Stores.open(address))
                    .as(address)
                    .isInstanceOf(IOException.class)
                    .hasMessageNotContaining("sesame");
        }
    }
}
