package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ProgressLineTest {
    private final StringWriter said = new StringWriter();
    private long nanos;
    private final ProgressLine progress = new ProgressLine(new PrintWriter(said), false, () -> nanos);

    ProgressLineTest() {
        progress.begin("gc");
    }

    @Test
    void noTimeIsNamedBeforeItMeansSomething() {
        show(1, 0);

        assertThat(show(11, 1)).startsWith("gc  1 %  blobs");
        assertThat(show(11, 4)).startsWith("gc  4 %  blobs");
        assertThat(show(11, 20)).startsWith("gc  20 %, 2 min left  blobs");
    }

    /** A list of the store takes long and says nothing of how fast the rest goes. */
    @Test
    void whatWentBeforeTheFirstShareIsNotItsPace() {
        show(3600, 0);

        assertThat(show(11, 10)).startsWith("gc  10 %, 99 s left");
    }

    @Test
    void somethingLongIsForetoldByALittleOfIt() {
        show(1, 0);

        assertThat(show(59, 2)).doesNotContain("left");
        assertThat(show(11, 2)).startsWith("gc  2 %, 57 min left");
    }

    @Test
    void anotherPartOfTheWorkHasAPaceOfItsOwn() {
        show(1, 0);
        show(600, 100);
        show(11, 0);

        assertThat(show(11, 2)).startsWith("gc  2 %  blobs");
        assertThat(show(11, 50)).startsWith("gc  50 %, 22 s left");
    }

    /** Answers what that printed. */
    private String show(int seconds, int percent) {
        said.getBuffer().setLength(0);
        nanos += Duration.ofSeconds(seconds).toNanos();
        progress.show(percent, 100, "blobs");
        return said.toString();
    }
}
