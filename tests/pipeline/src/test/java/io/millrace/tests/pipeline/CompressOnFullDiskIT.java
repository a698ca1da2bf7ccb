package io.millrace.tests.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that fills while a command writes a model: what was begun is removed, what was complete stays. */
final class CompressOnFullDiskIT {
    private static final int UNAVAILABLE = 4;
    /** Says what a command left in the folder, where nobody else sees it. */
    private static final String LISTED = """
            folder=$1
            shift
            code=0
            "$@" || code=$?
            cd "$folder"
            find . -type f -o -type d -empty | sort
            exit $code
            """;

    @TempDir
    private Path folder;

    private Path disk = Path.of("");
    private CommandLine here = new CommandLine(disk);
    private CommandLine onSmallDisk = here;

    @BeforeEach
    void makeTheDisk() throws Exception {
        assumeTrue(SmallDisk.available(), "skipped: a user may not mount here");
        disk = Files.createDirectory(folder.resolve("disk"));
        here = new CommandLine(folder.resolve("home"));
        List<String> listed = List.of("sh", "-c", LISTED, "listed", disk.toString());
        onSmallDisk = new CommandLine(
                here.home(),
                Stream.concat(new SmallDisk(disk).launcher().stream(), listed.stream())
                        .toList());
    }

    @ParameterizedTest
    @ValueSource(strings = {"gguf:Q4_0", "compressed-tensors:W4A16", "onnx:int4", "literature:binary"})
    void nothingIsLeftOfAModelThatDoesNotFit(String target) throws Exception {
        Path model = SmallCheckpoint.write(folder.resolve("model"), 1, 256, 512, 2);
        Path out = disk.resolve("out");

        CommandLine.Said said =
                onSmallDisk.runElsewhere("compress", model.toString(), "--to", target, "-o", out.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(UNAVAILABLE);
        assertThat(said.err()).contains("the disk is full", "nothing was left in " + out, "make room");
        assertThat(said.out().lines()).containsExactly("./ballast");
    }

    @Test
    void whatWasCompleteBeforeStays() throws Exception {
        Path model = SmallCheckpoint.write(folder.resolve("model"), 1);
        Path out = disk.resolve("out");

        CommandLine.Said said = onSmallDisk.runElsewhere(
                "compress", model.toString(), "--to", "gguf:Q2_K", "--to", "gguf:F32", "-o", out.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(UNAVAILABLE);
        assertThat(said.err()).contains("the disk is full", "targets that were complete lie in " + out);
        assertThat(said.out().lines().filter(line -> line.startsWith("./")))
                .containsExactly(
                        "./ballast",
                        "./out/gguf-Q2_K.svg",
                        "./out/gguf-Q2_K/model-Q2_K.gguf",
                        "./out/gguf-Q2_K/tensor-report.json");
    }

    @Test
    void nothingIsLeftOfWeightsThatDoNotFitWhenTheyAreRead() throws Exception {
        Path model = SmallCheckpoint.write(folder.resolve("model"), 1);
        Path made = folder.resolve("made");
        assertThat(here.runElsewhere("compress", model.toString(), "--to", "gguf:Q4_0", "-o", made.toString())
                        .exitCode())
                .isZero();
        Path out = disk.resolve("out");

        CommandLine.Said said =
                onSmallDisk.runElsewhere("dequantize", made.resolve("gguf-Q4_0").toString(), "-o", out.toString());

        assertThat(said.exitCode()).as(said.err()).isEqualTo(UNAVAILABLE);
        assertThat(said.err()).contains("the disk is full", "nothing was left of " + out, "make room");
        assertThat(said.out().lines()).containsExactly("./ballast");
    }
}
