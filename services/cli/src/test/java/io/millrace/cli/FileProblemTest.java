package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The exceptions of files say where and not what. */
class FileProblemTest {
    @Test
    void whatIsWrongIsSaidBesideThePath() {
        assertThat(FileProblem.of(new AccessDeniedException("/srv/millrace/store")))
                .contains("user '" + System.getProperty("user.name") + "' has no permission for /srv/millrace/store"
                        + "; change the permissions, or run this as a user who has them");
        assertThat(FileProblem.of(new FileSystemException("/srv/store/blobs/ab", null, "Read-only file system")))
                .contains(
                        "/srv/store/blobs/ab lies on a file system that may only be read; mount it for writing, or name"
                                + " another place");
        assertThat(FileProblem.of(new IOException("the bucket has no such key")))
                .isEmpty();
    }

    @Test
    void doctorSaysWhatIsWrongWithAStore(@TempDir Path folder) throws Exception {
        Path file = Files.createFile(folder.resolve("store"));

        assertThat(ClusterChecks.store(file.toString()).found()).isEqualTo(file + " exists already, and is no folder");
    }

    @Test
    void doctorMakesNoStoreOfAnAddressThatIsMistyped(@TempDir Path folder) throws Exception {
        Path mistyped = folder.resolve("stroe");

        DoctorCommand.Finding finding = ClusterChecks.store(mistyped.toString());

        assertThat(finding.fine()).isFalse();
        assertThat(finding.found()).startsWith("there is no folder " + mistyped + "; name another with --store");
        assertThat(mistyped).doesNotExist();
    }
}
