package io.millrace.conductor.run;

import io.millrace.events.Failure;
import io.millrace.events.Measurement;
import java.util.List;

/** What a run keeps of the texts in its evidence: the records of a run hold those of all its rungs. */
final class Excerpt {
    private static final int CHARACTERS = 300;

    private Excerpt() {}

    static String of(String text) {
        if (text.length() <= CHARACTERS) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(CHARACTERS - 1)) ? CHARACTERS - 1 : CHARACTERS;
        return text.substring(0, end) + " …";
    }

    static Failure of(Failure failure) {
        return new Failure(failure.reason(), of(failure.message()));
    }

    static List<Measurement> of(List<Measurement> measurements) {
        return measurements.stream().map(Excerpt::of).toList();
    }

    private static Measurement of(Measurement measured) {
        return new Measurement(
                measured.metric(),
                measured.value(),
                measured.standardError(),
                measured.baseline(),
                measured.unit(),
                measured.runtime(),
                measured.device(),
                measured.samples(),
                measured.dataset(),
                of(measured.note()));
    }
}
