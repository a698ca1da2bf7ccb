package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoresTest {
    @Test
    void pathsAndFileAddressesNameTheSameStore(@TempDir Path temp) throws IOException {
        try (ArtifactStore byPath = Stores.open(temp.resolve("store").toString());
                ArtifactStore byAddress =
                        Stores.open(temp.resolve("store").toUri().toString());
                ArtifactStore memory = Stores.open("memory:")) {
            var blob = byPath.put(new byte[] {1});

            assertThat(byAddress.contains(blob)).isTrue();
            assertThat(memory.contains(blob)).isFalse();
        }
    }

    @Test
    void anAddressOfAnUnknownKindSaysWhatIsExpected() {
        for (String address :
                List.of("gs://bucket", "s3://UPPER/p", "file:relative", "file://host/share", "file:/a b")) {
            for (ThrowingCallable use :
                    List.<ThrowingCallable>of(() -> Stores.open(address), () -> Stores.folderOf(address))) {
                assertThatThrownBy(use)
                        .isInstanceOf(StoreAddressException.class)
                        .hasMessageContaining(address);
            }
        }
    }

    @Test
    void anEmptyAddressIsNotTheFolderThatOneStandsIn() {
        for (ThrowingCallable use : List.<ThrowingCallable>of(
                () -> Stores.open(""), () -> Stores.openExisting(""), () -> Stores.folderOf(""))) {
            assertThatThrownBy(use)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("the address of the store is empty, expected a folder or s3://bucket/prefix");
        }
    }

    /** Who may only read finds everything, and nothing is touched: not even the time of a folder. */
    @Test
    void aStoreThatIsOpenedToReadIsNotWrittenTo(@TempDir Path temp) throws Exception {
        Path folder = temp.resolve("store");
        ArtifactRef artifact;
        try (ArtifactStore store = Stores.open(folder.toString())) {
            artifact = store.publishFolder(Samples.folder(temp), new TreeMap<>());
            store.commit(Samples.result(Samples.key("a"), artifact, "w"));
        }
        Map<Path, FileTime> before = times(folder);

        try (ArtifactStore store = Stores.openToRead(folder.toString())) {
            for (Manifest.Entry file : store.manifest(artifact).files()) {
                try (InputStream in = store.open(file.sha256())) {
                    assertThat(in.readAllBytes()).hasSize(Math.toIntExact(file.sizeBytes()));
                }
            }
            assertThat(store.result(Samples.key("a"))).isPresent();
            assertThat(new StoreCheck(store, (_, _, _) -> {})
                            .run(List.of(artifact))
                            .whole())
                    .isTrue();
        }

        assertThat(times(folder)).isEqualTo(before);
    }

    @Test
    void aStoreThatIsToBeReadMustBeThere(@TempDir Path temp) {
        assertThatThrownBy(() -> Stores.openToRead(temp.resolve("mistyped").toString()))
                .isInstanceOf(NoSuchFileException.class);
        assertThat(temp).isEmptyDirectory();
    }

    private static Map<Path, FileTime> times(Path folder) throws IOException {
        Map<Path, FileTime> times = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.toList()) {
                times.put(each, Files.getLastModifiedTime(each));
            }
        }
        return times;
    }
}
