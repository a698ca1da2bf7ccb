package io.millrace.models.llama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class SpokenProgressTest {
    private long nanos = Long.MAX_VALUE - 1_500_000_000; // the clock turns over between two lines

    @Test
    void progressIsSaidOnceASecondAndHeardAsItWasSaid() throws Exception {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        SpokenProgress spoken = new SpokenProgress(new PrintStream(bytes, true, StandardCharsets.UTF_8), () -> nanos);
        for (int token = 1; token <= 30; token++) {
            spoken.advance(token, 30, "tokens fed");
            nanos += 100_000_000;
        }

        List<String> heard = new ArrayList<>();
        for (String line : bytes.toString(StandardCharsets.UTF_8).lines().toList()) {
            assertThat(SpokenProgress.heard(
                            new ObjectMapper().readTree(line),
                            (done, total, what) -> heard.add(done + " of " + total + " " + what)))
                    .isTrue();
        }
        assertThat(heard).containsExactly("1 of 30 tokens fed", "11 of 30 tokens fed", "21 of 30 tokens fed");
    }

    @Test
    void whatIsNoProgressIsAnAnswer() throws Exception {
        assertThat(SpokenProgress.heard(
                        new ObjectMapper().readTree("{\"runtime\": \"llama.cpp\"}"), (done, total, what) -> {
                            throw new AssertionError(what);
                        }))
                .isFalse();
    }
}
