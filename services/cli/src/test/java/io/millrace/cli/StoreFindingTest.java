package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;
import io.millrace.store.StoreCheck.Damage;
import java.net.URI;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StoreFindingTest {
    private static final RunId RUN = new RunId(Digest.of("run"));
    private static final ArtifactRef ARTIFACT = ArtifactRef.inStore(Digest.of("manifest"));

    private final StoreNeeds needs = new StoreNeeds();

    private static final CheckpointPublished CHECKPOINT = new CheckpointPublished(
            new ModelName("chat"),
            "7",
            1,
            new ArtifactRef(Digest.of("checkpoint"), URI.create("file:///models/chat-7/")),
            new ModelNumbers("LlamaForCausalLM", 1000, 256, 8, 16, 1, 1, 1, 64, "F32"),
            Optional.empty(),
            Map.of(),
            Instant.EPOCH);

    private static ModelPublished published() {
        return new ModelPublished(
                RUN,
                CHECKPOINT.model(),
                "7",
                "policy",
                "phone",
                Device.CPU,
                ARTIFACT,
                "gguf",
                "Q4_K_M",
                CHECKPOINT,
                "recipe",
                0,
                new Decision.Accepted(List.of(), List.of()),
                7,
                16,
                Instant.EPOCH);
    }

    @Test
    void aPublishedModelThatIsNotWholeIsNamedWithTheCommandThatMakesItAgain() {
        needs.add(published());

        StoreFinding finding = StoreFinding.of(
                new Damage("blobs/ab", true, "is missing: 'model.gguf'", List.of(), List.of(ARTIFACT.manifest())),
                needs);

        assertThat(needs.artifacts()).containsExactly(ARTIFACT);
        assertThat(finding.text())
                .contains("blobs/ab", "is missing", "needed by published model chat 7 for phone")
                .contains("'millrace retry " + RUN.digest().abbreviated() + " --recompute'")
                .doesNotContain("delete it");
    }

    @Test
    void aCheckpointWhoseManifestIsGoneIsToBePublishedAgain() {
        needs.add(CHECKPOINT);

        StoreFinding finding = StoreFinding.of(
                new Damage("blobs/ef", true, "is missing", List.of(), List.of(Digest.of("checkpoint"))), needs);

        assertThat(finding.missedBy()).containsExactly("checkpoint chat 7");
        assertThat(finding.remedy()).contains("'millrace publish' of the same folder and version");
    }

    /** It was published in its place first, and then its files were copied. */
    @Test
    void whatIsCopiedIsLookedForInTheStoreAndCopiedAgain() {
        CheckpointPublished copy = new CheckpointPublished(
                CHECKPOINT.model(),
                CHECKPOINT.version(),
                CHECKPOINT.step(),
                ArtifactRef.inStore(CHECKPOINT.artifact().manifest()),
                CHECKPOINT.numbers(),
                CHECKPOINT.parent(),
                CHECKPOINT.labels(),
                CHECKPOINT.publishedAt());
        needs.add(CHECKPOINT);
        needs.add(copy);
        needs.add(CHECKPOINT);

        StoreFinding finding = StoreFinding.of(
                new Damage("blobs/ef", true, "is missing", List.of(), List.of(Digest.of("checkpoint"))), needs);

        assertThat(needs.artifacts()).containsExactly(copy.artifact());
        assertThat(finding.remedy()).contains("'millrace publish --copy' of the same folder and version");
    }

    @Test
    void whatNobodyNeedsIsDeletedAndMadeAgainByWhoHasIt() {
        needs.add(published());

        StoreFinding finding =
                StoreFinding.of(new Damage("blobs/cd", false, "has 7 bytes", List.of(), List.of()), needs);

        assertThat(finding.missedBy()).isEmpty();
        assertThat(finding.remedy()).startsWith("delete it, then").contains("no result needs it");
    }
}
