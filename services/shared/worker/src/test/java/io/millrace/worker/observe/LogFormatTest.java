package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LogFormatTest {
    @Test
    void aLineOfJsonHasTheValuesOfItsText() {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream stderr = System.err;
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            LogFormat.JSON.apply();
            LoggerFactory.getLogger(LogFormatTest.class).warn("job {} of {}", "7f3a", 3);
        } finally {
            System.setErr(stderr);
            LogFormat.TEXT.apply();
        }

        assertThat(said.toString(StandardCharsets.UTF_8).lines())
                .singleElement()
                .asString()
                .startsWith("{")
                .contains("\"job 7f3a of 3\"");
    }
}
