package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TextTest {
    @Test
    void numbersHaveFourSignificantDigits() {
        assertThat(List.of(
                        Text.number(0), Text.number(2.58695), Text.number(4.5), Text.number(1234.5), Text.number(2e-7)))
                .containsExactly("0", "2.587", "4.500", "1235", "2.000e-07");
    }

    @Test
    void bytesAndTimesUseTheirLargestUnit() {
        assertThat(Text.bytes(1023)).isEqualTo("1023 B");
        assertThat(Text.bytes(3L << 20)).isEqualTo("3.0 MiB");
        assertThat(Text.duration(Duration.ofSeconds(119))).isEqualTo("119 s");
        assertThat(Text.duration(Duration.ofHours(3))).isEqualTo("3 h");
    }

    @Test
    void oneIsNotMany() {
        assertThat(List.of(Text.count(0, "run"), Text.count(1, "run"), Text.count(2, "run")))
                .containsExactly("0 runs", "1 run", "2 runs");
    }

    @Test
    void columnsOfATableLineUp() {
        Table table = new Table(List.of("model", "size"), List.of(List.of("a", "1"), List.of("longer", "2")));

        assertThat(table.toString().lines()).containsExactly("MODEL   SIZE", "a       1", "longer  2");
    }

    @Test
    void nothingInATableMovesTheCursorOrEndsItsLine() {
        Table table = new Table(List.of("message", "size"), List.of(List.of("a\u001b[2J\nb", "1")));

        assertThat(table.toString().lines()).containsExactly("MESSAGE        SIZE", "a\\u001b[2J\\nb  1");
    }

    @Test
    void ofATextInLinesOnlyTheLinesRemain() {
        assertThat(Text.printableLines("run: failed\n  tensor 'a\u001b]0;x\u0007'"))
                .isEqualTo("run: failed" + System.lineSeparator() + "  tensor 'a\\u001b]0;x\\u0007'");
    }
}
