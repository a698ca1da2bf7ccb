package io.millrace.tensors.format.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsWriterTest {
    private static final List<TensorSpec> PLAN = List.of(
            TensorSpec.plain("half", DType.BF16, Shape.of(3)),
            TensorSpec.plain("words", DType.I32, Shape.of(2, 2)),
            TensorSpec.plain("shape", DType.I64, Shape.of(2)));

    @TempDir
    Path folder;

    @Test
    void plannedOrderIsKeptForTheCallerAndWiderTypesComeFirstInTheFileWhereOneWouldBeginAstray() throws IOException {
        write(Long.MAX_VALUE);

        try (SafetensorsReader reader = SafetensorsReader.open(folder.resolve("model.safetensors"))) {
            assertThat(reader.tensors()).extracting(TensorSpec::name).containsExactly("shape", "words", "half");
            assertThat(reader.metadata()).isEqualTo(Map.of("format", "pt"));
            assertThat(bytes(reader.rows("half", 0, 1))).containsExactly(0, 1, 2, 3, 4, 5);
            assertThat(bytes(reader.rows("words", 0, 1))).containsExactly(6, 7, 8, 9, 10, 11, 12, 13);
            assertThat(bytes(reader.rows("shape", 0, 1))[15]).isEqualTo((byte) 37);
        }
        byte[] file = Files.readAllBytes(folder.resolve("model.safetensors"));
        assertThat(MemorySegment.ofArray(file).get(ValueLayout.JAVA_LONG_UNALIGNED, 0) % 8)
                .isZero();
    }

    @Test
    void filesHaveTheSameNamesUnderEveryLocale() throws IOException {
        Locale before = Locale.getDefault();
        Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
        try {
            write(1);
        } finally {
            Locale.setDefault(before);
        }

        assertThat(folder.resolve("model-00002-of-00003.safetensors")).exists();
    }

    @Test
    void plannedOrderIsThatOfTheFileWhereEveryTensorThenBeginsAtAMultipleOfItsElementSize() throws IOException {
        List<TensorSpec> plan = List.of(
                TensorSpec.plain("codes", DType.I8, Shape.of(2, 4)),
                TensorSpec.plain("scales", DType.BF16, Shape.of(4)),
                TensorSpec.plain("shape", DType.I64, Shape.of(2)),
                TensorSpec.plain("more", DType.I8, Shape.of(3)));

        write(plan, Long.MAX_VALUE);

        try (SafetensorsReader reader = SafetensorsReader.open(folder.resolve("model.safetensors"))) {
            assertThat(reader.tensors()).isEqualTo(plan);
        }
    }

    @Test
    void digestsOfShardsAreThoseOfTheFilesInWhateverOrderTheirTensorsAreFilled() throws Exception {
        Map<Path, byte[]> digests = new HashMap<>();
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, PLAN, Map.of(), 22, Optional.of(digests::put))) {
            writer.append("shape", MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5}));
            writer.append("words", MemorySegment.ofArray(new byte[16]));
            writer.append("half", MemorySegment.ofArray(new byte[] {6, 7, 8, 9, 10, 11}));
            writer.append("shape", MemorySegment.ofArray(new byte[11]));
            assertThat(digests).isEmpty();
            writer.finish();
        }

        assertThat(digests)
                .containsOnlyKeys(
                        folder.resolve("model-00001-of-00002.safetensors"),
                        folder.resolve("model-00002-of-00002.safetensors"));
        for (Map.Entry<Path, byte[]> digest : digests.entrySet()) {
            assertThat(digest.getValue())
                    .isEqualTo(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(digest.getKey())));
        }
    }

    @Test
    void shardsHaveTheirNamesAndAnIndex() throws IOException {
        write(16);

        ObjectNode index = StrictJson.readFile(folder.resolve("model.safetensors.index.json"), 10_000);
        assertThat(index.path("metadata").path("total_size").asLong()).isEqualTo(38);
        assertThat(index.path("weight_map").path("words").asText()).isEqualTo("model-00002-of-00003.safetensors");
        try (SafetensorsFolder reader = SafetensorsFolder.open(folder)) {
            assertThat(reader.tensors()).extracting(TensorSpec::name).containsExactly("half", "words", "shape");
            assertThat(bytes(reader.rows("words", 1, 2))).containsExactly(14, 15, 16, 17, 18, 19, 20, 21);
        }
    }

    @Test
    void unfinishedWriterLeavesNothingBehind() throws IOException {
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, PLAN, Map.of(), 16)) {
            writer.append(MemorySegment.ofArray(new byte[20]));
            assertThatThrownBy(writer::finish)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("tensor 'words' still lacks 2 of 16 bytes");
        }

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void theBytesDoNotDependOnTheOrderOfTheMetadata() throws IOException {
        Map<String, String> unsorted = new LinkedHashMap<>();
        unsorted.put("millrace.made", "prune");
        unsorted.put("format", "pt");

        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, PLAN, unsorted, Long.MAX_VALUE)) {
            writer.append(MemorySegment.ofArray(new byte[38]));
            writer.finish();
        }

        assertThat(Files.readString(folder.resolve("model.safetensors"), StandardCharsets.ISO_8859_1))
                .contains("{\"__metadata__\":{\"format\":\"pt\",\"millrace.made\":\"prune\"}");
    }

    @Test
    void moreThanPlannedIsRefused() throws IOException {
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, PLAN, Map.of(), Long.MAX_VALUE)) {
            assertThatThrownBy(() -> writer.append("half", MemorySegment.ofArray(new byte[7])))
                    .hasMessageContaining("lacks 6 bytes but 7 were appended");
            assertThatThrownBy(() -> writer.append(MemorySegment.ofArray(new byte[39])))
                    .hasMessageContaining("1 bytes more were appended than planned");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model-00002-of-00003.safetensors",
                "/etc/model.safetensors",
                "sub/model.safetensors",
                "..\\\\model.safetensors",
                "sub\\\\model.safetensors",
                "..",
                "C:model.safetensors",
                "model-00002-of-00003.bin",
                ""
            })
    @Tag("promise-6")
    @DisplayName("Promise 6: an index that names a file elsewhere is refused")
    void indexThatNamesAFileElsewhereIsRefused(String name) throws IOException {
        write(16);
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(index, Files.readString(index).replace("model-00002-of-00003.safetensors", name));

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("expected the plain name of a .safetensors file in the same folder");
    }

    @Test
    @Tag("promise-6")
    @DisplayName("Promise 6: a shard that is a link out of the folder is refused")
    void missingShardAndLinkOutOfTheFolderAreRefused(@TempDir Path elsewhere) throws IOException {
        write(16);
        Path shard = folder.resolve("model-00002-of-00003.safetensors");
        Path moved = Files.move(shard, elsewhere.resolve("shard.safetensors"));
        assertThatThrownBy(() -> SafetensorsFolder.open(folder)).hasMessageContaining("the file is missing");

        Files.createSymbolicLink(shard, moved);

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("a link that leads outside its folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {SafetensorsFolder.SINGLE, SafetensorsFolder.INDEX})
    @Tag("promise-6")
    @DisplayName("Promise 6: a whole file or an index that is a link out of the folder is refused")
    void oneFileOrAnIndexThatIsALinkOutOfTheFolderIsRefused(String name, @TempDir Path elsewhere) throws IOException {
        write(name.equals(SafetensorsFolder.INDEX) ? 16 : Long.MAX_VALUE);
        Path moved = Files.move(folder.resolve(name), elsewhere.resolve(name));
        Files.createSymbolicLink(folder.resolve(name), moved);

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(name + ": the file is a link that leads outside its folder");
    }

    @Test
    void linksOfASnapshotInTheHubsCacheAreFollowedToItsBlobsAlone(@TempDir Path cache) throws IOException {
        write(16);
        Path blobs = Files.createDirectories(cache.resolve("models--a--b/blobs"));
        Path snapshot = Files.createDirectories(cache.resolve("models--a--b/snapshots/0123"));
        try (var files = Files.list(folder)) {
            for (Path file : files.toList()) {
                Path blob = Files.move(file, blobs.resolve("of-" + file.getFileName()));
                Files.createSymbolicLink(snapshot.resolve(file.getFileName()), snapshot.relativize(blob));
            }
        }
        try (SafetensorsFolder opened = SafetensorsFolder.open(snapshot)) {
            assertThat(opened.tensors()).isNotEmpty();
        }
        Path other =
                Files.createDirectories(cache.resolve("models--a--b/revisions")).resolve("0123");
        Files.move(snapshot, other);
        assertThatThrownBy(() -> SafetensorsFolder.open(other))
                .hasMessageContaining("a link that leads outside its folder");
        Files.move(other, snapshot);

        Path elsewhere = Files.move(
                blobs.resolve("of-model-00002-of-00003.safetensors"),
                cache.resolve("model-00002-of-00003.safetensors"));
        Files.createSymbolicLink(blobs.resolve("of-model-00002-of-00003.safetensors"), elsewhere);

        assertThatThrownBy(() -> SafetensorsFolder.open(snapshot))
                .hasMessageContaining("a link that leads outside its folder")
                .hasMessageContaining("cp -rL");
    }

    @Test
    void indexThatPutsATensorInAnotherShardIsRefused() throws IOException {
        write(16);
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(
                index,
                Files.readString(index).replace("\"half\" : ", "\"other\" : ").replace("\"half\": ", "\"other\": "));

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor 'other' should be in model-00001-of-00003.safetensors but is not there");
    }

    @Test
    void anIndexThatMixesUpItsShardsOrForgetsATensorIsRefused() throws IOException {
        write(16);
        Path index = folder.resolve("model.safetensors.index.json");
        String whole = Files.readString(index);
        Files.writeString(
                index,
                whole.replace("00001-of", "x-of")
                        .replace("00002-of", "00001-of")
                        .replace("x-of", "00002-of"));

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .hasMessageContaining("should be in model-0000")
                .hasMessageContaining("but is not there");
        write(22);
        Files.writeString(
                index,
                "{\"weight_map\": {\"half\": \"model-00001-of-00002.safetensors\", \"shape\":"
                        + " \"model-00002-of-00002.safetensors\"}}");

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .hasMessage("model-00001-of-00002.safetensors: tensor 'words' is not in model.safetensors.index.json");
    }

    @Test
    void anIndexMayNameTheOneFileBesideIt() throws IOException {
        write(1_000);
        Files.writeString(
                folder.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"half\": \"model.safetensors\", \"words\": \"model.safetensors\","
                        + " \"shape\": \"model.safetensors\"}}");

        try (SafetensorsFolder reader = SafetensorsFolder.open(folder)) {
            assertThat(reader.tensors()).hasSize(3);
        }
    }

    @Test
    void aWholeFileBesideTheShardsOfAnIndexIsRefused() throws IOException {
        write(1_000);
        write(16);

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessage("model.safetensors.index.json: found model.safetensors beside it, which it does not name,"
                        + " expected one of both; remove what is old");
    }

    @Test
    void tensorInTwoShardsIsRefused() throws IOException {
        write(16);
        Files.copy(
                folder.resolve("model-00001-of-00003.safetensors"),
                folder.resolve("model-00002-of-00003.safetensors"),
                java.nio.file.StandardCopyOption.REPLACE_EXISTING);

        assertThatThrownBy(() -> SafetensorsFolder.open(folder))
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining("tensor 'half' is also in model-00001-of-00003.safetensors");
    }

    /** Bytes count 0, 1, 2 … in the planned order, in pieces that cut across tensors. */
    private void write(long shardBytes) throws IOException {
        write(PLAN, shardBytes);
    }

    private void write(List<TensorSpec> plan, long shardBytes) throws IOException {
        try (SafetensorsWriter writer = SafetensorsWriter.open(folder, plan, Map.of("format", "pt"), shardBytes)) {
            byte[] bytes =
                    new byte[(int) plan.stream().mapToLong(TensorSpec::byteSize).sum()];
            for (int i = 0; i < bytes.length; i++) {
                bytes[i] = (byte) i;
            }
            MemorySegment all = MemorySegment.ofArray(bytes);
            writer.append(all.asSlice(0, 5));
            writer.append(all.asSlice(5, 20));
            writer.append(all.asSlice(25));
            writer.finish();
        }
    }

    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }

    /** As on a disk that is full by then. */
    @Test
    void withoutItsIndexNoFileStays() throws IOException {
        Files.createDirectories(folder.resolve("model.safetensors.index.json.partial/taken"));

        assertThatThrownBy(() -> write(1)).isInstanceOf(IOException.class);

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactly(folder.resolve("model.safetensors.index.json.partial"));
        }
    }
}
