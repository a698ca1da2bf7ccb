package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.inspection.Inspection;
import io.millrace.tensors.inspection.Inspector;
import io.millrace.tensors.inspection.ModelFormats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufSplitTest {
    private static final int TENSORS_PER_PART = 8;

    @TempDir
    static Path shared;

    private static Path checkpoint = Path.of("");
    private static Path single = Path.of("");
    private static List<TensorReport> singleReports = List.of();

    @TempDir
    Path folder;

    private List<Path> parts = List.of();

    @BeforeAll
    static void writeOneFile() throws Exception {
        checkpoint = GgufModels.folder(shared, GgufModels.llama());
        single = shared.resolve("single.gguf");
        singleReports = GgufModels.write(checkpoint, GgufFileType.Q4_K_M, single, 1);
    }

    @BeforeEach
    void writeParts() throws Exception {
        parts = files(new GgufSplit.AtTensors(TENSORS_PER_PART));
    }

    private List<Path> files(GgufSplit split) throws IOException, InterruptedException {
        Path file = folder.resolve("model.gguf");
        try (Checkpoint source = Checkpoint.open(checkpoint)) {
            GgufPlan plan = GgufCompressor.plan(
                    source, GgufOptions.of(GgufFileType.Q4_K_M).withSplit(split), Optional.empty());
            Map<Path, byte[]> digests = new HashMap<>();
            assertThat(plan.write(file, 2, Progress.NONE, Optional.of(digests::put)))
                    .isEqualTo(singleReports);
            List<Path> files = plan.files(file);
            assertThat(digests.keySet()).isEqualTo(Set.copyOf(files));
            for (Path part : files) {
                assertThat(digests.get(part)).isEqualTo(sha256(part));
            }
            try (Stream<Path> found = Files.list(folder)) {
                assertThat(found).containsAll(files);
            }
            assertThat(files.stream().mapToLong(GgufSplitTest::size).sum()).isEqualTo(plan.fileBytes());
            return files;
        }
    }

    private static byte[] sha256(Path file) throws IOException {
        try {
            return MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void digestsTakenWhileWritingAreThoseOfTheFile() throws Exception {
        Path file = folder.resolve("one.gguf");
        try (Checkpoint source = Checkpoint.open(checkpoint)) {
            for (int threads = 1; threads <= 3; threads++) {
                Map<Path, byte[]> digests = new HashMap<>();

                GgufCompressor.plan(source, GgufFileType.Q4_K_M)
                        .write(file, threads, Progress.NONE, Optional.of(digests::put));

                assertThat(digests).containsOnlyKeys(file);
                assertThat(digests.get(file)).isEqualTo(sha256(file)).isEqualTo(sha256(single));
            }
        }
    }

    @Test
    void partsHoldTheTensorsInOrderAndTheFirstHasTheKeysOfTheModel() throws IOException {
        GgufHeader whole = GgufReader.headerOf(single);
        int count = Math.ceilDiv(whole.tensors().size(), TENSORS_PER_PART);

        assertThat(parts)
                .hasSize(count)
                .allSatisfy(part -> assertThat(part.getFileName().toString())
                        .matches("model-0000[1-9]-of-0000" + count + "\\.gguf"));
        for (int number = 0; number < count; number++) {
            GgufHeader part = GgufReader.headerOf(parts.get(number));
            assertThat(part.metadata())
                    .containsAllEntriesOf(
                            GgufParts.keys(number, count, whole.tensors().size()));
            assertThat(part.metadata()).hasSize(number == 0 ? whole.metadata().size() + 3 : 3);
            assertThat(part.tensors().stream().map(GgufTensor::name))
                    .isEqualTo(whole.tensors().stream()
                            .map(GgufTensor::name)
                            .skip((long) number * TENSORS_PER_PART)
                            .limit(TENSORS_PER_PART)
                            .toList());
        }
        assertThat(GgufReader.headerOf(parts.getFirst()).metadata()).containsAllEntriesOf(whole.metadata());
    }

    /** The loader of llama.cpp refuses another type, and takes a model without these keys for one file. */
    @Test
    void aPartsOwnKeysAreSpelledAndTypedAsLlamaCppReadsThem() {
        assertThat(GgufParts.keys(1, 3, 21))
                .containsExactly(
                        Map.entry("split.no", new GgufValue.Whole(GgufValue.Type.U16, 1)),
                        Map.entry("split.count", new GgufValue.Whole(GgufValue.Type.U16, 3)),
                        Map.entry("split.tensors.count", new GgufValue.Whole(GgufValue.Type.I32, 21)));
    }

    @Test
    void aModelInPartsReadsAsTheOneFileByItsFirstPartAndByItsFolder() throws IOException {
        try (GgufReader expected = GgufReader.open(single);
                GgufReader found = GgufReader.open(parts.getFirst());
                WeightSource byFolder = ModelFormats.open(folder)) {
            assertThat(found.tensors()).isEqualTo(expected.tensors());
            assertThat(found.header().metadata()).isEqualTo(expected.header().metadata());
            for (GgufTensor tensor : expected.header().tensors()) {
                long rows = tensor.shape().rows();
                assertThat(found.rows(tensor.name(), 0, rows).mismatch(expected.rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
            assertThat(byFolder.config().layerCount()).isEqualTo(2);
        }
        Inspection inspection = Inspector.inspect(folder);
        assertThat(inspection.format()).isEqualTo("GGUF v3 in " + parts.size() + " files");
        assertThat(inspection.notReadable()).isEmpty();
        assertThat(inspection.fileBytes())
                .isEqualTo(parts.stream().mapToLong(GgufSplitTest::size).sum());
        assertThat(Inspector.inspect(parts.getLast()).notReadable().orElseThrow())
                .contains("open the first part");
    }

    @Test
    void partsByBytesStayBelowThemUnlessOneTensorAloneIsLarger() throws Exception {
        deleteParts();
        long most = 300_000;

        List<Path> bySize = files(new GgufSplit.AtBytes(most));

        assertThat(bySize).hasSizeGreaterThan(2);
        for (Path part : bySize) {
            GgufHeader header = GgufReader.headerOf(part);
            assertThat(header.tensors()).isNotEmpty();
            assertThat(header.dataBytes() <= most || header.tensors().size() == 1)
                    .isTrue();
        }
        deleteParts();
        assertThat(files(new GgufSplit.AtBytes(1L << 40))).containsExactly(folder.resolve("model.gguf"));
        assertThat(Files.mismatch(folder.resolve("model.gguf"), single)).isEqualTo(-1);
    }

    @Test
    void aPartThatIsMissingIsNamed() throws IOException {
        Files.delete(parts.get(1));

        refused("'" + parts.get(1).getFileName() + "' is missing beside it; copy all " + parts.size() + " parts");
        Files.delete(parts.getFirst());
        assertThatThrownBy(() -> ModelFormats.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("'" + parts.getFirst().getFileName() + "' is missing beside it");
    }

    @Test
    void aPartThatIsOpenedOrNamedAsAnotherIsRefused() throws IOException {
        assertThatThrownBy(() -> GgufReader.open(parts.get(1)))
                .hasMessageContaining("this is part 2 of " + parts.size())
                .hasMessageContaining(
                        "open the first part, '" + parts.getFirst().getFileName() + "'");
        Path renamed = Files.copy(parts.getFirst(), folder.resolve("weights.gguf"));
        assertThatThrownBy(() -> GgufReader.open(renamed))
                .hasMessageContaining("expected a name such as 'weights-00001-of-0000" + parts.size() + ".gguf'");

        Files.copy(parts.getFirst(), parts.get(1), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        refused("'split.no' is 0, expected 1");
    }

    @Test
    void aPartOfAnotherModelIsRefused() throws IOException {
        byte[] original = Files.readAllBytes(parts.get(1));

        change(1, "split.tensors.count", 4, 99);
        refused("'split.tensors.count' is 99, expected");
        Files.write(parts.get(1), original);
        change(1, "split.count", 2, 9);
        refused("'split.count' is 9, expected " + parts.size());
        Files.write(parts.get(1), original);
        Files.write(parts.get(1), withTypeOfItsOwn(original));
        refused("'general.type' is ");
        Files.write(parts.get(1), original);
        String name = GgufReader.headerOf(parts.get(1)).tensors().getFirst().name();
        String other = GgufReader.headerOf(parts.getLast()).tensors().stream()
                .map(GgufTensor::name)
                .filter(candidate -> candidate.length() == name.length())
                .findFirst()
                .orElseThrow();
        Files.write(
                parts.get(1),
                new String(original, StandardCharsets.ISO_8859_1)
                        .replace(name, other)
                        .getBytes(StandardCharsets.ISO_8859_1));
        refused("tensor '" + other + "' is in '" + parts.get(1).getFileName() + "' too");
    }

    /** One key more, of 32 bytes, so that the tensors stay where they are aligned. */
    private static byte[] withTypeOfItsOwn(byte[] part) {
        ByteBuffer head = ByteBuffer.wrap(part.clone()).order(ByteOrder.LITTLE_ENDIAN);
        head.putLong(16, head.getLong(16) + 1);
        byte[] key = "general.type".getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(part.length + 32)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(head.array(), 0, 24)
                .putLong(key.length)
                .put(key)
                .putInt(GgufValue.Type.U64.id())
                .putLong(1)
                .put(part, 24, part.length - 24)
                .array();
    }

    @Test
    void partsThatDoNotAddUpOrCountsBeyondAllFilesAreRefused() throws IOException {
        for (int part = 0; part < parts.size(); part++) {
            change(part, "split.tensors.count", 4, 5);
        }
        refused("'split.tensors.count' is 5; copy the parts again");
        change(0, "split.count", 2, 0xffff);
        refused("is the first of 65535 parts of a model, expected a name such as");
    }

    @Test
    void aCountBelowZeroIsRefused() throws IOException {
        byte[] key = "split.count".getBytes(StandardCharsets.UTF_8);
        ByteBuffer header = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(GgufHeader.MAGIC).putInt(GgufHeader.VERSION).putLong(0).putLong(1);
        header.putLong(key.length).put(key).putInt(GgufValue.Type.I64.id()).putLong(Long.MIN_VALUE);
        Path file = Files.write(folder.resolve("hostile.gguf"), header.array());

        assertThatThrownBy(() -> GgufReader.open(file))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("'split.count' is " + Long.MIN_VALUE + ", expected how many files");
    }

    private void refused(String message) {
        assertThatThrownBy(() -> GgufReader.open(parts.getFirst()))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    /** Puts another number behind a key of a part's header. */
    private void change(int part, String key, int bytes, int value) throws IOException {
        byte[] file = Files.readAllBytes(parts.get(part));
        int at = new String(file, StandardCharsets.ISO_8859_1).indexOf(key) + key.length() + Integer.BYTES;
        ByteBuffer data = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        if (bytes == 2) {
            data.putShort(at, (short) value);
        } else {
            data.putInt(at, value);
        }
        Files.write(parts.get(part), file);
    }

    private void deleteParts() throws IOException {
        for (Path part : parts) {
            Files.delete(part);
        }
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
