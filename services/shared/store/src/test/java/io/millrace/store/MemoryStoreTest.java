package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.events.Digest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryStoreTest extends StoreCareContract {
    @Override
    ArtifactStore create(Path temp) {
        return new MemoryStore();
    }

    @Test
    void anOldBlobThatIsPutAgainIsYoung() throws Exception {
        PassingTime time = new PassingTime();
        MemoryStore aging = new MemoryStore(time);
        Digest old = aging.put(bytes("content"));
        aging.put(bytes("other"));
        time.pause(Duration.ofDays(8));
        List<Inventory.Blob> listed = new ArrayList<>();
        aging.inventory().blobs(listed::add);

        aging.put(bytes("content"));
        aging.inventory().delete(listed, Duration.ofDays(7));

        List<Inventory.Blob> left = new ArrayList<>();
        aging.inventory().blobs(left::add);
        assertThat(left).extracting(Inventory.Blob::digest).containsExactly(old);
    }
}
