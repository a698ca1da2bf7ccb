package io.millrace.tests.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What counts takes a counter for new, with all that it has or had when its process ended, only where its process was
 * scraped when the window began, or is younger than the window. After a gap of the scrapes all counters of a process that
 * has worked for weeks look new.
 */
final class CountingQueriesTest {
    private static final Pattern NEW = Pattern.compile("(\\S+) unless (\\w+(?:\\{[^}]*})?) offset (\\S+?)(?=[ )])(.*)");

    static Stream<Query> counting() {
        return Query.all()
                .filter(query -> query.expression().contains("unless")
                        && NEW.matcher(onOneLine(query)).find());
    }

    @ParameterizedTest
    @MethodSource("counting")
    void aCounterIsNewOnlyIfItsProcessWasSeenWithoutItOrIsNew(Query query) {
        String rest = onOneLine(query);
        for (var found = NEW.matcher(rest); found.find(); found = NEW.matcher(rest)) {
            MatchResult counter = found.toMatchResult();
            String name = counter.group(2);
            String window = counter.group(3);
            rest = counter.group(4);

            assertThat(counter.group(1))
                    .as(query.where() + ": " + name)
                    .endsWith("last_over_time(" + name + "[" + window + "])");
            assertThat(rest)
                    .as(query.where() + ": " + name)
                    .startsWith(" and on (job, instance) (up offset " + window
                            + " == 1 or last_over_time(process_start_time_seconds[" + window + "]) > time() - "
                            + seconds(window) + ")) or ")
                    .contains("increase(" + name + "[" + window + "])");
        }
    }

    /** Else the first of a process would show no time at all. */
    @Test
    void aPanelThatTellsHowLongSomethingTookCountsTheFirst() {
        List<Query> quantiles = Dashboard.all()
                .flatMap(dashboard -> dashboard.queries().stream())
                .filter(query -> query.expression().contains("histogram_quantile"))
                .toList();

        assertThat(quantiles)
                .isNotEmpty()
                .allSatisfy(query ->
                        assertThat(query.expression()).as(query.where()).containsPattern(NEW));
    }

    private static String onOneLine(Query query) {
        return query.expression().replaceAll("\\s+", " ");
    }

    private static String seconds(String window) {
        if (window.equals("$__range")) {
            return "$__range_s";
        }
        String iso = window.endsWith("d") ? "P" + window : "PT" + window;
        return Long.toString(Duration.parse(iso.toUpperCase(Locale.ROOT)).toSeconds());
    }
}
