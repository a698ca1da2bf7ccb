package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class ExcerptTest {
    @Test
    void ofAMeasurementOnlyALongNoteIsCut() {
        assertThat(Excerpt.of(List.of(measured("a note"), measured("n".repeat(301)))))
                .containsExactly(measured("a note"), measured("n".repeat(300) + " …"));
    }

    @Test
    void aLetterOfTwoCharactersIsNotCutInTwo() {
        assertThat(Excerpt.of("n".repeat(299) + "😀")).isEqualTo("n".repeat(299) + " …");
        assertThat(Excerpt.of("n".repeat(298) + "😀")).isEqualTo("n".repeat(298) + "😀");
    }

    private static Measurement measured(String note) {
        return new Measurement(
                "kl-divergence",
                OptionalDouble.of(1),
                OptionalDouble.of(2),
                OptionalDouble.of(3),
                "nat",
                "a runtime",
                Device.CPU,
                4,
                Optional.of(Digest.of("text")),
                note);
    }
}
