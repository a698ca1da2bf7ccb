package io.millrace.conductor.topology;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Given;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EarlyCommitTest {
    private static final Duration SOON = EarlyCommit.PAUSE.minusMillis(1);

    @TempDir
    Path folder;

    @Test
    void aRecordThatComesAfterAPauseIsCommittedAtOnceAndThoseBehindItShareACommit() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            assertThat(task.commits()).as("the first of all").isTrue();

            task.pass(SOON);
            task.send(Given.checkpoint("v1"));
            task.pass(SOON);
            task.send(Given.checkpoint("v2"));
            assertThat(task.commits()).as("one close behind another").isFalse();

            task.pass(EarlyCommit.PAUSE);
            task.send(Given.checkpoint("v3"));
            assertThat(task.commits()).as("after a pause").isTrue();
        }
    }

    @Test
    void theTimeOfACommitIsNoPause() {
        try (OneTask task = new OneTask(folder, Given.START)) {
            task.send(Given.policy(Given.target("phone", Given.recipe(Given.gguf("Q4_K_M")))));
            assertThat(task.commits()).isTrue();

            task.pass(Duration.ofSeconds(1));
            task.send(Given.checkpoint("v1"), Given.START.plusMillis(1));

            assertThat(task.commits()).isFalse();
        }
    }

    @Test
    void aRecordThatIsOlderThanOneBeforeAsksForNothing() {
        EarlyCommit early = new EarlyCommit();
        assertThat(early.isDue(1000)).isTrue();

        assertThat(early.isDue(500)).isFalse();
        assertThat(early.isDue(600)).isFalse();
        assertThat(early.isDue(1000 + EarlyCommit.PAUSE.toMillis())).isTrue();
    }
}
