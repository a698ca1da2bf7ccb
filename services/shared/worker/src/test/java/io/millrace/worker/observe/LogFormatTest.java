package io.millrace.worker.observe;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class LogFormatTest {
    @Test
    void aLineOfJsonHasTheValuesOfItsText() {
        String said = said(
                LogFormat.JSON,
                () -> LoggerFactory.getLogger(LogFormatTest.class).warn("job {} of {}", "7f3a", 3));

        assertThat(said.lines()).singleElement().asString().startsWith("{").contains("\"job 7f3a of 3\"");
    }

    @Test
    void whatEachKafkaClientWarnsOfIsToldOnce() {
        String said = said(LogFormat.TEXT, () -> {
            Logger client = LoggerFactory.getLogger("org.apache.kafka.clients.NetworkClient");
            client.warn("[Producer clientId=a] node {} is away", 7);
            client.warn("[Consumer clientId=b] node {} is away", 7);
        });

        assertThat(said.lines()).singleElement().asString().contains("clientId=a] node 7 is away");
    }

    private static String said(LogFormat format, Runnable work) {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        PrintStream stderr = System.err;
        System.setErr(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            format.apply();
            work.run();
        } finally {
            System.setErr(stderr);
            LogFormat.TEXT.apply();
        }
        return said.toString(StandardCharsets.UTF_8);
    }
}
