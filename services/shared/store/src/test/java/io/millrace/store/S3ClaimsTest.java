package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.JobKey;
import java.util.Locale;
import org.junit.jupiter.api.Test;

class S3ClaimsTest {
    private static final JobKey KEY = Samples.key("a");

    @Test
    void claimsHaveTheSameNamesUnderEveryLocale() {
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
        try {
            assertThat(S3Claims.name(KEY, 12)).isEqualTo("claims/" + KEY + "/000000000000000012.json");
        } finally {
            Locale.setDefault(before);
        }
    }
}
