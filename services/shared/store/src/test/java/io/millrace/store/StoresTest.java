package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
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
}
