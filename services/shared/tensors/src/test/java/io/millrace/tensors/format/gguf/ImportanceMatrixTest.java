package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.kernel.gguf.PeerLibrary;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceMatrixTest {
    private static final long SEED = 20261124;
    private static final String VALUES = "blk.0.attn_v.weight";
    private static final Shape SHAPE = Shape.of(128, 256);

    @TempDir
    Path parent;

    @Test
    void bothFormsGiveTheMeanSquares() throws Exception {
        Map<String, float[]> means = means();

        ImportanceMatrix legacy = ImportanceMatrix.read(ImportanceFiles.legacy(parent.resolve("imatrix.dat"), means));
        ImportanceMatrix gguf = ImportanceMatrix.read(ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), means, 8));

        for (ImportanceMatrix matrix : List.of(legacy, gguf)) {
            assertThat(matrix.size()).isEqualTo(means.size());
            assertThat(matrix.of(VALUES, SHAPE).orElseThrow().values()).isEqualTo(means.get(VALUES));
            assertThat(matrix.of("blk.9.attn_v.weight", SHAPE)).isEmpty();
            assertThat(matrix.metadata())
                    .containsEntry("quantize.imatrix.dataset", GgufValue.text("calibration.txt"))
                    .containsEntry("quantize.imatrix.entries_count", GgufValue.u32(means.size()))
                    .containsEntry("quantize.imatrix.chunks_count", GgufValue.u32(ImportanceFiles.CALLS));
        }
    }

    @Test
    void aFileThatIsCutOffWhileItIsReadSaysSo() throws Exception {
        // Many pages.
        Map<String, float[]> means = Map.of(VALUES, new float[1 << 16]);
        for (Path file : List.of(
                ImportanceFiles.legacy(parent.resolve("imatrix.dat"), means),
                ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), means, 8))) {
            try (Arena arena = Arena.ofConfined();
                    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
                channel.truncate(1024);

                assertThatThrownBy(() -> ImportanceMatrix.of(file, mapped))
                        .isInstanceOf(MalformedFileException.class)
                        .hasMessageContaining(file.getFileName() + ": changed while it was read");
            }
        }
    }

    @Test
    void eachMatrixOfAStackHasItsOwnAndOneThatSawNothingHasOnes() throws Exception {
        Path file = ImportanceFiles.gguf(
                parent.resolve("imatrix.gguf"),
                Map.of("blk.0.ffn_up_exps.weight", new float[] {1, 2, 3, 4, 5, 6}),
                2,
                0,
                4);

        Importance importance = ImportanceMatrix.read(file)
                .of("blk.0.ffn_up_exps.weight", Shape.of(3, 10, 2))
                .orElseThrow();

        assertThat(importance.values()).containsExactly(1, 2, 1, 1, 5, 6);
        assertThat(importance.at(9, 30)).isZero();
        assertThat(importance.at(10, 30)).isEqualTo(2);
        assertThat(importance.at(29, 30)).isEqualTo(4);
    }

    @Test
    void aFileMadeWithImportancesHoldsTheBytesOfLlamaCpp() throws Throwable {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Map<String, float[]> means = means();
        Path plain = parent.resolve("plain.gguf");
        Path weighted = parent.resolve("weighted.gguf");
        GgufModels.write(folder, GgufFileType.Q4_K_M, plain, 1);
        Optional<ImportanceMatrix> matrix =
                Optional.of(ImportanceMatrix.read(ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), means, 8)));

        List<TensorReport> reports = write(folder, matrix, weighted);

        assertThat(reports).allMatch(report -> report.note().isEmpty());
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                GgufReader without = GgufReader.open(plain);
                GgufReader with = GgufReader.open(weighted)) {
            assertThat(with.header().metadata()).containsEntry("quantize.imatrix.file", GgufValue.text("imatrix.gguf"));
            assertThat(without.header().metadata()).doesNotContainKey("quantize.imatrix.file");
            byte[] bytes = with.rows(VALUES, 0, 128).toArray(ValueLayout.JAVA_BYTE);
            assertThat(bytes).isNotEqualTo(without.rows(VALUES, 0, 128).toArray(ValueLayout.JAVA_BYTE));
            Optional<PeerLibrary> library = PeerLibrary.load();
            assumeTrue(library.isPresent(), "skipped: the library is built for Linux on x86-64 only");
            float[] values = new float[128 * 256];
            checkpoint.read("model.layers.0.self_attn.v_proj.weight", 0, 128, MemorySegment.ofArray(values));
            assertThat(bytes)
                    .isEqualTo(library.get()
                            .quantize(
                                    with.header().tensors().stream()
                                            .filter(tensor -> tensor.name().equals(VALUES))
                                            .findFirst()
                                            .orElseThrow()
                                            .type(),
                                    values,
                                    256,
                                    means.get(VALUES)));
        }
    }

    @Test
    void columnsThatAreNeverUsedAreNotStoredAsZeros() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Map<String, float[]> means = means();
        Arrays.fill(means.get(VALUES), 64, 128, 0f);
        Optional<ImportanceMatrix> matrix =
                Optional.of(ImportanceMatrix.read(ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), means, 8)));

        List<TensorReport> reports = write(folder, matrix, parent.resolve("model.gguf"));

        assertThat(reports)
                .filteredOn(report -> report.name().equals("model.layers.0.self_attn.v_proj.weight"))
                .singleElement()
                .satisfies(report -> {
                    assertThat(report.note())
                            .matches("[24] groups of (32|16) columns have importance 0 throughout: 1 instead");
                    assertThat(report.relativeError()).isLessThan(0.1);
                });
    }

    @Test
    void theMatrixOfAnotherModelIsRefused() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        ImportanceMatrix shorter = ImportanceMatrix.read(
                ImportanceFiles.legacy(parent.resolve("other.dat"), Map.of(VALUES, new float[128])));
        ImportanceMatrix stranger = ImportanceMatrix.read(
                ImportanceFiles.legacy(parent.resolve("other.dat"), Map.of("blk.0.ssm_in.weight", new float[256])));

        assertThatThrownBy(() -> write(folder, Optional.of(shorter), parent.resolve("model.gguf")))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("other.dat: 'blk.0.attn_v.weight' has 128 importances, expected 256:"
                        + " this is an importance matrix of another model");
        assertThatThrownBy(() -> write(folder, Optional.of(stranger), parent.resolve("model.gguf")))
                .hasMessageStartingWith("other.dat: knows 1 tensors, but none of this model's");
    }

    /** Of a model that layers were taken from, the widths are its parent's, and another layer has the number of each. */
    @Test
    void theMatrixOfADeeperModelIsRefused() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Map<String, float[]> means = means();
        means.put("blk.31.attn_q.weight", new float[256]);
        ImportanceMatrix deeper = ImportanceMatrix.read(ImportanceFiles.legacy(parent.resolve("other.dat"), means));

        assertThatThrownBy(() -> write(folder, Optional.of(deeper), parent.resolve("model.gguf")))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("other.dat: knows 4 tensors, but this model has 2 layers and no 'blk.31.attn_q.weight':"
                        + " this is an importance matrix of another model");
    }

    /** llama.cpp's quantizer ends with an error there, too. */
    @Test
    void aTensorThatTheMatrixDoesNotKnowIsRefusedForTwoBits() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Map<String, float[]> means = means();
        Path file = ImportanceFiles.legacy(parent.resolve("imatrix.dat"), means);
        GgufOptions coarse = GgufOptions.of(GgufFileType.Q2_K_S);

        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThatThrownBy(() -> GgufCompressor.plan(checkpoint, coarse, Optional.of(ImportanceMatrix.read(file))))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessage("imatrix.dat: knows 3 tensors, but not 'blk.0.attn_k.weight', for which Q2_K_S is too"
                            + " coarse without; make the importance matrix again, of a longer text, or choose a larger"
                            + " type");
        }
    }

    @Test
    void numbersThatAreNoMeanSquaresAreRefused() throws Exception {
        for (float wrong : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
            Path file = ImportanceFiles.legacy(parent.resolve("imatrix.dat"), Map.of(VALUES, new float[] {1, wrong}));

            assertThatThrownBy(() -> ImportanceMatrix.read(file))
                    .isInstanceOf(MalformedFileException.class)
                    .hasMessageStartingWith("imatrix.dat: the importance of column 1 of 'blk.0.attn_v.weight' is ");
        }
    }

    @Test
    void countsThatAreNoneAndBytesBehindTheEndAreRefused() throws Exception {
        Map<String, float[]> means = Map.of(VALUES, new float[] {1, 2});
        Path counted = ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), means, -8);
        Path longer = ImportanceFiles.legacy(parent.resolve("imatrix.dat"), means);
        Files.write(longer, new byte[] {0}, StandardOpenOption.APPEND);

        assertThatThrownBy(() -> ImportanceMatrix.read(counted))
                .hasMessage("imatrix.gguf: 'blk.0.attn_v.weight.counts' holds -8.0, expected a number of rows");
        assertThatThrownBy(() -> ImportanceMatrix.read(longer))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("ends here, but the file has " + Files.size(longer) + " bytes");
    }

    @Test
    void aTensorThatAppearsTwiceIsRefused() throws Exception {
        Path file = ImportanceFiles.legacy(
                parent.resolve("imatrix.dat"), Map.of("blk.0.a", new float[] {1}, "blk.0.b", new float[] {1}));
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1).replace("blk.0.b", "blk.0.a");
        Files.writeString(file, bytes, StandardCharsets.ISO_8859_1);

        assertThatThrownBy(() -> ImportanceMatrix.read(file))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("imatrix.dat: ")
                .hasMessageContaining("'blk.0.a' appears twice");
    }

    @Test
    void sumsWithoutCountsOrWithTheWrongOnesAreRefused() throws Exception {
        Path file = ImportanceFiles.gguf(parent.resolve("imatrix.gguf"), Map.of("w", new float[] {1, 2, 3, 4}), 2, 2);
        String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
        Path lonely = parent.resolve("lonely.gguf");
        Files.writeString(lonely, bytes.replace("w.counts", "w.county"), StandardCharsets.ISO_8859_1);
        Path uneven = ImportanceFiles.gguf(parent.resolve("uneven.gguf"), Map.of("w", new float[] {1, 2, 3}), 2, 2, 2);
        byte[] two = Files.readAllBytes(uneven);
        // The shape of the sums stands behind their name: one column and 3 matrices, of which 2 remain.
        ByteBuffer.wrap(two)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(new String(two, StandardCharsets.ISO_8859_1).indexOf("w.in_sum2") + 9 + 4 + 8, 2);
        Files.write(uneven, two);

        assertThatThrownBy(() -> ImportanceMatrix.read(lonely))
                .hasMessage("lonely.gguf: 'w.in_sum2' has no counts beside it");
        assertThatThrownBy(() -> ImportanceMatrix.read(uneven)).hasMessageContaining("does not go with 3 counts");
        for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
            Path counted = ImportanceFiles.gguf(parent.resolve("counted.gguf"), Map.of("w", new float[] {1}), wrong);
            assertThatThrownBy(() -> ImportanceMatrix.read(counted))
                    .hasMessage("counted.gguf: 'w.counts' holds " + wrong + ", expected a number of rows");
        }
    }

    @Test
    void aModelIsNoImportanceMatrix() throws Exception {
        Path folder = GgufModels.folder(parent, GgufModels.llama());
        Path model = parent.resolve("model.gguf");
        GgufModels.write(folder, GgufFileType.Q8_0, model, 1);

        assertThatThrownBy(() -> ImportanceMatrix.read(model))
                .hasMessage("model.gguf: 'general.type' is \"model\", expected \"imatrix\": this is a model");
    }

    @Test
    void damagedFilesAreReadOrRefusedButNeverWorse() throws Exception {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        Map<String, float[]> means = Map.of(VALUES, new float[] {1, 2, 3, 4}, "b", new float[] {5});
        Path damaged = parent.resolve("damaged");
        for (Path file : List.of(
                ImportanceFiles.legacy(parent.resolve("a"), means),
                ImportanceFiles.gguf(parent.resolve("b"), means, 2))) {
            byte[] valid = Files.readAllBytes(file);
            for (int round = 0; round < 1500; round++) {
                byte[] bytes =
                        Arrays.copyOf(valid, random.nextInt(3) == 0 ? random.nextInt(valid.length) : valid.length);
                for (int i = random.nextInt(4); i > 0 && bytes.length > 0; i--) {
                    bytes[random.nextInt(bytes.length)] = (byte) (random.nextBoolean() ? random.nextInt() : 0x7f);
                }
                Files.write(damaged, bytes);
                try {
                    ImportanceMatrix.read(damaged);
                } catch (MalformedFileException refused) {
                    assertThat(refused).hasMessageStartingWith("damaged: ");
                } catch (IOException | RuntimeException | Error worse) {
                    fail("seed " + SEED + ", round " + round, worse);
                }
            }
        }
    }

    private static List<TensorReport> write(Path folder, Optional<ImportanceMatrix> matrix, Path file)
            throws IOException, InterruptedException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return GgufCompressor.plan(checkpoint, GgufOptions.of(GgufFileType.Q4_K_M), matrix)
                    .write(file, 2, Progress.NONE);
        }
    }

    /** Importances that are exact when multiplied by a power of two. */
    private static Map<String, float[]> means() {
        Random random = new Random(SEED);
        Map<String, float[]> means = new LinkedHashMap<>();
        for (String name : List.of("blk.0.attn_q.weight", VALUES, "blk.1.ffn_up.weight")) {
            float[] values = new float[256];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) StrictMath.exp(2 * random.nextGaussian());
            }
            means.put(name, values);
        }
        return means;
    }
}
