package io.millrace.worker.commit;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.store.ChangedFileException;
import io.millrace.store.DamagedFileException;
import io.millrace.worker.StageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class FailureRulesTest {
    private static final Path WORK = Path.of("work");
    private static final ArtifactRef ARTIFACT = ArtifactRef.inStore(Digest.of("model"));
    private final IOException full = new FileSystemException("model.gguf", null, "No space left on device");

    @Test
    void changedCheckpointIsNamed() {
        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, new ChangedFileException("a.safetensors changed"))
                        .reason())
                .isEqualTo(Reason.CHECKPOINT_CHANGED);
    }

    @Test
    void missingInputIsBlamedOnWhoNamedIt() {
        IOException missing = new NoSuchFileException("eval.txt");

        assertThat(FailureRules.ofInput(Role.EVALUATION_TEXT, ARTIFACT, missing).reason())
                .isEqualTo(Reason.TEXT_MISSING);
        assertThat(FailureRules.ofInput(Role.ORIGINAL, ARTIFACT, missing).reason())
                .isEqualTo(Reason.CHECKPOINT_MISSING);
        assertThat(FailureRules.ofInput(Role.ORIGINAL, ARTIFACT, missing).message())
                .contains("original", ARTIFACT.manifest().abbreviated(), "eval.txt: is not there");
    }

    @Test
    void aMissingInputsRemedyFitsWhatItIs() {
        IOException missing = new NoSuchFileException("blobs/b0/b061");
        ArtifactRef inPlace = new ArtifactRef(ARTIFACT.manifest(), URI.create("file:///models/chat-7/"));

        assertThat(FailureRules.ofInput(Role.CALIBRATION_TEXT, ARTIFACT, missing)
                        .message())
                .contains("b061: is not there", "apply the policy again");
        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, missing).message())
                .contains("--recompute");
        assertThat(FailureRules.ofInput(Role.MODEL, inPlace, missing).message())
                .contains("publish the same folder again");
    }

    @Test
    void aDamagedInputIsAsGoodAsMissingSinceNoWaitingMendsIt() {
        IOException damaged = new DamagedFileException("blobs/42/42a7: 'model.gguf' has the digest 84c4");

        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, damaged).reason()).isEqualTo(Reason.CHECKPOINT_MISSING);
        assertThat(FailureRules.ofInput(Role.IMPORTANCE, ARTIFACT, damaged).reason())
                .isEqualTo(Reason.TEXT_MISSING);
        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, damaged).message())
                .contains("model.gguf");
    }

    @Test
    void otherTroubleWithAnInputIsTheStores() {
        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, new IOException("reset by peer"))
                        .reason())
                .isEqualTo(Reason.STORE_UNREACHABLE);
        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, full).reason()).isEqualTo(Reason.DISK_FULL);
    }

    @Test
    void aFullDiskOfTheStoreIsWaitedFor() {
        String again = "; make room, the work is tried again by itself";

        assertThat(FailureRules.ofInput(Role.MODEL, ARTIFACT, full).message()).endsWith(again);
        assertThat(FailureRules.ofStore(full).message()).endsWith(again);
        assertThat(FailureRules.waiting(full)).isEqualTo("model.gguf: No space left on device" + again);
        assertThat(FailureRules.waiting(new IOException("reset by peer"))).isEqualTo("reset by peer");
    }

    @Test
    void whatTheStageKnowsStands() {
        assertThat(FailureRules.ofStage(new StageException(Reason.NOT_FINITE, "lm_head has NaN"), WORK)
                        .reason())
                .isEqualTo(Reason.NOT_FINITE);
    }

    @Test
    void memoryAndDiskAreRecognizedBelowWrappers() {
        assertThat(FailureRules.ofStage(new IllegalStateException(new OutOfMemoryError("Java heap space")), WORK)
                        .reason())
                .isEqualTo(Reason.OUT_OF_MEMORY);
        assertThat(FailureRules.ofStage(new IllegalStateException("CUDA out of memory. Tried to allocate 2 GiB"), WORK)
                        .reason())
                .isEqualTo(Reason.OUT_OF_MEMORY);
        assertThat(FailureRules.ofStage(new OutOfMemoryError("Java heap space"), WORK)
                        .message())
                .isEqualTo(
                        "the job takes more memory than this worker has (OutOfMemoryError: Java heap space); give the"
                                + " stage more memory or fewer --slots, then retry");
        for (String words : List.of(
                "[enforce fail at alloc_cpu.cpp:115] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to"
                        + " allocate 1099511627776 bytes. Error code 12 (Cannot allocate memory)",
                "error=12, Cannot allocate memory")) {
            assertThat(FailureRules.ofStage(new IllegalStateException(words), WORK)
                            .reason())
                    .isEqualTo(Reason.OUT_OF_MEMORY);
        }
        assertThat(FailureRules.ofStage(new IllegalStateException(full), WORK).reason())
                .isEqualTo(Reason.DISK_FULL);
    }

    @Test
    void aWorkFolderThatCannotBeWrittenIsNamedWithItsRemedy() {
        String file = WORK.resolve("job-1/model.gguf").toString();
        for (IOException refused : List.of(
                new AccessDeniedException(file), new FileSystemException(file, null, "Read-only file system"))) {
            assertThat(FailureRules.ofStage(new UncheckedIOException(refused), WORK)
                            .message())
                    .startsWith("the work folder " + WORK + " cannot be written")
                    .contains(file, "--work-folder");
        }
        assertThat(FailureRules.ofStage(new AccessDeniedException("/elsewhere/model.gguf"), WORK)
                        .message())
                .isEqualTo("AccessDeniedException: /elsewhere/model.gguf");
    }

    @Test
    void anythingElseIsAStageErrorWithItsClassAndAnEnd() {
        assertThat(FailureRules.ofStage(new ArithmeticException("/ by zero"), WORK)
                        .message())
                .isEqualTo("ArithmeticException: / by zero");
        assertThat(FailureRules.ofStage(new ArithmeticException("x".repeat(100_000)), WORK)
                        .message())
                .hasSizeLessThan(2_100);
    }
}
