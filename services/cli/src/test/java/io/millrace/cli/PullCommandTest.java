package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** Which model is meant; that it is brought is tried with a broker. */
class PullCommandTest {
    private static final ModelPublished OLD = published("6", "first", "Q4_K_M", 0);
    private static final ModelPublished NEW = published("7", "first", "Q4_K_M", 60);

    @Test
    void theNewestCheckpointCountsUnlessAVersionIsNamed() {
        List<ModelPublished> models = List.of(NEW, OLD);

        assertThat(pull().choose(models, List.of(NEW))).isEqualTo(NEW);
        assertThat(pull("--version", "6").choose(models, List.of(NEW))).isEqualTo(OLD);
    }

    /** By a policy that was changed, or since somebody had it computed anew. */
    @Test
    void ofTwoModelsOfOneCheckpointTheLatestCounts() {
        ModelPublished again = published("7", "first", "Q6_K", 60);
        ModelPublished oldAgain = published("6", "first", "Q6_K", 0);
        List<ModelPublished> models = List.of(OLD, oldAgain, NEW, again);

        assertThat(pull().choose(models, List.of(again))).isEqualTo(again);
        assertThat(pull("--version", "6").choose(models, List.of(again))).isEqualTo(oldAgain);
        assertThat(pull().choose(models, List.of(NEW)))
                .as("a run of the former policy may end last")
                .isEqualTo(NEW);
    }

    @Test
    void whereTwoPoliciesHaveSuchATargetOneIsToBeChosen() {
        ModelPublished other = published("7", "second", "Q8_0", 60);
        List<ModelPublished> models = List.of(NEW, other);

        assertThatThrownBy(() -> pull().choose(models, models))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.USAGE))
                .hasMessageEndingWith("[first, second]; choose with --policy");
        assertThat(pull("--policy", "second").choose(models, models)).isEqualTo(other);
    }

    @Test
    void whatWasNotPublishedIsNotFoundAndWhatWasIsNamed() {
        assertThatThrownBy(() -> pull().choose(List.of(), List.of()))
                .isInstanceOfSatisfying(
                        CommandFailure.class,
                        failure -> assertThat(failure.exitCode()).isEqualTo(ExitCode.NOT_FOUND))
                .hasMessage("no model 'chat' for target 'phone'; published: none");
        assertThatThrownBy(() -> pull("--version", "8").choose(List.of(OLD, NEW), List.of(NEW)))
                .hasMessage("no model 'chat' for target 'phone' of version '8'; published: chat 6 phone, chat 7 phone");
    }

    private static PullCommand pull(String... options) {
        CommandLine line = Main.commandLine();
        line.parseArgs(Stream.concat(Stream.of("pull", "chat", "phone", "folder"), Stream.of(options))
                .toArray(String[]::new));
        return line.getSubcommands().get("pull").getCommand();
    }

    private static ModelPublished published(String version, String policy, String type, int seconds) {
        CheckpointPublished source = new CheckpointPublished(
                new ModelName("chat"),
                version,
                1,
                ArtifactRef.inStore(Digest.of(version)),
                new ModelNumbers("LlamaForCausalLM", 1000, 256, 8, 16, 1, 1, 1, 64, "F32"),
                Optional.empty(),
                Map.of(),
                Instant.EPOCH.plusSeconds(seconds));
        return new ModelPublished(
                new RunId(Digest.of(version + policy + type)),
                source.model(),
                version,
                policy,
                "phone",
                Device.CPU,
                ArtifactRef.inStore(Digest.of(version + type)),
                "gguf",
                type,
                source,
                "recipe",
                0,
                new Decision.Accepted(List.of(), List.of()),
                7,
                16,
                Instant.EPOCH);
    }
}
