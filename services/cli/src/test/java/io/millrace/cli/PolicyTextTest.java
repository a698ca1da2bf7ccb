package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.models.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class PolicyTextTest {
    /** Windows of 128 have 63 scored tokens; 4,096 of those take 66 windows. */
    private static final int LEAST_BYTES = 66 * 128 - 1;

    @TempDir
    Path folder;

    @Test
    void aTextThatNoTokenizerCutsIntoEnoughWindowsIsRefusedByItsName() throws IOException {
        assertThat(check("sequences: 80, length: 128", "x".repeat(LEAST_BYTES))).isEmpty();

        assertThat(check("sequences: 80, length: 128", "x".repeat(LEAST_BYTES - 1)))
                .contains("held-out.txt, which has 8446 bytes")
                .contains("66 windows of 128 tokens")
                .contains("give a longer text");
    }

    @Test
    void tooFewSequencesForAnyMeasurementAreRefused() throws IOException {
        assertThat(check("sequences: 65, length: 128", "x".repeat(20_000)))
                .startsWith("millrace: " + folder.resolve("policy.yaml") + ": the policy says 'sequences: 65'")
                .contains("66 windows of 128 tokens");
    }

    @Test
    void aTextThatNoTokenizerTakesIsRefusedByItsName() throws IOException {
        try (var sparse = new RandomAccessFile(folder.resolve("held-out.txt").toFile(), "rw")) {
            sparse.setLength(Tokenizer.LONGEST_TEXT_BYTES + 1);
        }

        assertThat(check("sequences: 80, length: 128"))
                .contains("held-out.txt, which has 33554433 bytes", "33554432 at most", "head -n");
    }

    @Test
    void anEmptyOrMalformedTextIsRefused() throws IOException {
        assertThat(check("sequences: 80, length: 128", "")).contains("held-out.txt, which is empty");
        Files.write(folder.resolve("held-out.txt"), new byte[] {'a', (byte) 0xC3, 'b'});
        assertThat(check("sequences: 80, length: 128")).contains("held-out.txt, which is not UTF-8");
    }

    @Test
    void anImportanceMatrixThatIsDamagedIsRefusedByItsName() throws IOException {
        Files.writeString(folder.resolve("held-out.txt"), "x".repeat(20_000));
        Files.write(folder.resolve("imatrix.dat"), new byte[] {1, 0, 0, 0, 9});

        assertThat(checkStep("sequences: 80, length: 128", ", importance: imatrix.dat"))
                .contains("the policy names the importance matrix")
                .contains("imatrix.dat, which cannot be read");
    }

    @Test
    void whatChangesNothingIsRemarkedAndAccepted() throws IOException {
        Files.writeString(folder.resolve("held-out.txt"), "x".repeat(20_000));
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                policy: p
                models: "*"
                evaluate: {text: held-out.txt, sequences: 80, length: 128}
                calibrate: {text: held-out.txt, sequences: 80}
                targets:
                  - name: phone
                    recipes:
                      - [distill: {}, quantize: {format: gguf, type: Q8_0}]
                    gate: {size-ratio: "<= 0.9"}
                """);

        Said said = Said.to("policy", "check", policy.toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(said.err().lines())
                .singleElement()
                .asString()
                .startsWith(policy + ":4:")
                .contains("'sequences' under 'calibrate' changes nothing");
    }

    @Test
    void aCalibrationTextWithoutOneWindowForAStepIsRefused() throws IOException {
        String step = "prune: {method: neurons, fraction: 0.5, importance: activations, length: 256}";

        assertThat(checkCalibration(step, 255)).isEmpty();
        assertThat(checkCalibration(step, 254))
                .contains("calibration.txt, which has 254 bytes")
                .contains("a window of 'prune neurons by activations' takes 256 tokens");
        assertThat(checkCalibration("distill: {length: 256}", 254)).contains("'distill logits' takes 256 tokens");
        assertThat(checkCalibration("prune: {method: neurons, fraction: 0.5}", 1))
                .isEmpty();
    }

    private String checkCalibration(String step, int bytes) throws IOException {
        Files.writeString(folder.resolve("held-out.txt"), "x".repeat(20_000));
        Files.writeString(folder.resolve("calibration.txt"), "x".repeat(bytes));
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                policy: p
                models: "*"
                evaluate: {text: held-out.txt, sequences: 80, length: 128}
                calibrate: {text: calibration.txt}
                targets:
                  - name: phone
                    recipes:
                      - [%s]
                    gate: {size-ratio: "<= 0.9"}
                """.formatted(step));
        return Said.to("policy", "check", policy.toString()).err();
    }

    private String check(String cut, String text) throws IOException {
        Files.writeString(folder.resolve("held-out.txt"), text);
        return check(cut);
    }

    private String check(String cut) throws IOException {
        return checkStep(cut, "");
    }

    /** What {@code policy check} complains about; empty if it accepts. */
    private String checkStep(String cut, String option) throws IOException {
        Path policy = Files.writeString(folder.resolve("policy.yaml"), """
                policy: p
                models: "*"
                evaluate: {text: held-out.txt, %s}
                targets:
                  - name: phone
                    recipes:
                      - [quantize: {format: gguf, type: Q8_0%s}]
                    gate: {size-ratio: "<= 0.9"}
                """.formatted(cut, option));
        StringWriter err = new StringWriter();
        CommandLine line = Main.commandLine();
        line.setOut(new PrintWriter(new StringWriter()));
        line.setErr(new PrintWriter(err));
        int exitCode = line.execute("policy", "check", policy.toString());
        assertThat(exitCode).isEqualTo(err.toString().isEmpty() ? ExitCode.OK : ExitCode.REFUSED);
        return err.toString();
    }
}
