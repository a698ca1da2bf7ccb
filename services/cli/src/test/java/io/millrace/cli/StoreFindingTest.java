package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Candidate;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Decision;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Failure;
import io.millrace.events.Gate;
import io.millrace.events.Limit;
import io.millrace.events.Metric;
import io.millrace.events.ModelName;
import io.millrace.events.ModelNumbers;
import io.millrace.events.ModelPublished;
import io.millrace.events.Parameters;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.Recipe;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.events.Step;
import io.millrace.events.Target;
import io.millrace.events.TextUse;
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

    /** The steps of rungs that were refused count too: a later rung may begin with them. */
    @Test
    void aResultThatARunUsedIsMadeAgainByThatRun() {
        Candidate refused = new Candidate(
                0,
                "prune",
                List.of(KnownEvents.step(StageName.PRUNE, "neurons", 1, 5, false)),
                Optional.empty(),
                new Candidate.StepFailed(new Failure(Reason.DIVERGED, "the loss is NaN")));
        needs.add(KnownEvents.state(
                RUN,
                KnownEvents.CHAT,
                RunStatus.WORKING,
                0,
                1,
                Optional.empty(),
                List.of(KnownEvents.step(StageName.QUANTIZE, "gguf", 1, 3, false)),
                List.of(refused)));

        for (String job : List.of("job of neurons", "job of gguf")) {
            StoreFinding finding = StoreFinding.of(
                    new Damage("blobs/ab", false, "has other bytes", List.of(KnownEvents.job(job)), List.of()), needs);

            assertThat(finding.runs()).as(job).containsExactly(RUN);
            assertThat(finding.text())
                    .contains("needed by job " + Digest.of(job).abbreviated())
                    .endsWith("delete it, then bring it back: 'millrace retry "
                            + RUN.digest().abbreviated() + " --recompute'");
        }
    }

    @Test
    void aResultThatNoRunUsedIsComputedAgainWhenItIsAskedFor() {
        StoreFinding finding = StoreFinding.of(
                new Damage(
                        "blobs/ab",
                        true,
                        "is missing",
                        List.of(KnownEvents.job("one"), KnownEvents.job("other")),
                        List.of()),
                needs);

        assertThat(finding.runs()).isEmpty();
        assertThat(finding.text())
                .contains("needed by jobs " + Digest.of("one").abbreviated() + ", "
                        + Digest.of("other").abbreviated())
                .endsWith("leave it: the job is computed again when a run asks for it");
    }

    @Test
    void whatAPolicyNamesIsBroughtBackByApplyingIt() {
        ArtifactRef text = ArtifactRef.inStore(Digest.of("text"));
        ArtifactRef calibration = ArtifactRef.inStore(Digest.of("calibration"));
        ArtifactRef matrix = ArtifactRef.inStore(Digest.of("matrix"));
        Step weighed = new Step(new Parameters.Gguf("Q4_K_M"), Device.CPU, Optional.of(matrix));
        Target target = new Target(
                "phone",
                Device.CPU,
                Device.CPU,
                new TextUse(text, 64, 512, 0),
                Optional.of(new TextUse(calibration, 64, 512, 0)),
                List.of(new Recipe(List.of(weighed))),
                new Gate(List.of(new Limit(Metric.SIZE_RATIO, Limit.Comparison.AT_MOST, 0.9))));
        needs.add(new Policy("mobile", "*", Policy.OnNewer.KEEP, List.of(target), 1, 1));

        assertThat(needs.artifacts()).containsExactlyInAnyOrder(text, calibration, matrix);
        for (ArtifactRef one : needs.artifacts()) {
            StoreFinding finding = StoreFinding.of(
                    new Damage("blobs/ab", true, "is missing", List.of(), List.of(one.manifest())), needs);

            assertThat(finding.missedBy()).containsExactly("policy mobile");
            assertThat(finding.remedy()).isEqualTo("bring it back: 'millrace policy apply' with its file");
        }
    }
}
