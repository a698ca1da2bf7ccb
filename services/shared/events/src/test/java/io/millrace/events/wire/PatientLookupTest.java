package io.millrace.events.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

class PatientLookupTest {
    private static final Schema SCHEMA = Schema.create(Schema.Type.STRING);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final Map<Long, Long> comesAtNanos = new HashMap<>();
    private long nanos;
    private final SchemaLookup patient = new PatientLookup(
            fingerprint -> Optional.ofNullable(comesAtNanos.get(fingerprint))
                    .filter(at -> at <= nanos)
                    .map(_ -> SCHEMA),
            PATIENCE,
            () -> nanos,
            pause -> nanos += pause);

    @Test
    void aSchemaThatComesALittleLaterIsFound() {
        comesAtNanos.put(1L, PATIENCE.minusSeconds(1).toNanos());

        assertThat(patient.find(1)).contains(SCHEMA);
    }

    @Test
    void oneThatIsThereTakesNoTime() {
        comesAtNanos.put(1L, 0L);

        assertThat(patient.find(1)).contains(SCHEMA);
        assertThat(nanos).isZero();
    }

    @Test
    void oneThatNeverComesIsWaitedForOnce() {
        assertThat(patient.find(1)).isEmpty();
        assertThat(nanos).isEqualTo(PATIENCE.toNanos());
        nanos += Duration.ofHours(1).toNanos();
        long later = nanos;

        assertThat(patient.find(1)).isEmpty();
        assertThat(nanos).isEqualTo(later);
        comesAtNanos.put(1L, later);
        assertThat(patient.find(1)).contains(SCHEMA);
    }

    /** Else whoever may write to a topic could hold up its readers. */
    @Test
    void madeUpFingerprintsTakeFiveSecondsAMinuteTogether() {
        for (long made = 0; made < 100; made++) {
            assertThat(patient.find(made)).isEmpty();
        }
        assertThat(nanos).isEqualTo(PATIENCE.toNanos());

        nanos += Duration.ofMinutes(1).toNanos();
        long before = nanos;
        patient.find(100);
        patient.find(101);
        assertThat(nanos - before).isEqualTo(PATIENCE.toNanos());
    }
}
