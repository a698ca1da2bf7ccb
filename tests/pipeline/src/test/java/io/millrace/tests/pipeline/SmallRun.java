package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.events.RunChanged;
import io.millrace.events.RunStatus;
import java.nio.file.Path;

/** The one run of a small checkpoint, which a policy in force has a target for. */
record SmallRun(CommandLine millrace, Path checkpoint) {
    /** Writes the checkpoint, and {@code evaluation.txt} for the policy. */
    static SmallRun in(Path folder, CommandLine millrace) throws Exception {
        Path checkpoint = SmallCheckpoint.write(folder.resolve("checkpoint"), 1);
        SmallCheckpoint.writeText(folder.resolve("evaluation.txt"), 2);
        return new SmallRun(millrace, checkpoint);
    }

    /** @return the run */
    String publish() throws Exception {
        JsonNode published = millrace.json("publish", checkpoint.toString(), "--model", "small-one", "--version", "v1");
        assertThat(published.get("runs")).hasSize(1);
        return published.get("runs").get(0).get("run").asText();
    }

    static RunStatus awaitEnd(EventLog runs, String run) {
        return runs.await(
                        RunChanged.class,
                        state -> state.run().toString().equals(run)
                                && state.status().ended())
                .status();
    }
}
