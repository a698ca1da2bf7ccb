package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Digest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobCacheTest {
    private static final int SIZE = 100;
    private static final long LIMIT = 3 * SIZE;

    @TempDir
    Path temp;

    private final Map<Digest, byte[]> remote = new HashMap<>();
    private final List<Digest> fetched = new ArrayList<>();
    private BlobCache cache;

    @BeforeEach
    void open() throws IOException {
        cache = another();
    }

    /** As another process would open it. */
    private BlobCache another() throws IOException {
        return BlobCache.open(temp.resolve("cache"), LIMIT, new VerifiedFiles(), blob -> {
            synchronized (fetched) {
                fetched.add(blob);
            }
            return new ByteArrayInputStream(remote.get(blob));
        });
    }

    private Manifest.Entry entry(char letter, int size) {
        byte[] content = Character.toString(letter).repeat(size).getBytes(StandardCharsets.UTF_8);
        remote.put(Digest.of(content), content);
        return new Manifest.Entry("file", size, Digest.of(content), "text/plain");
    }

    private Path out(Manifest.Entry entry) throws IOException {
        cache.checkOut(entry, temp.resolve("out"));
        return temp.resolve("out");
    }

    /** Sets when a blob was used; a file system's clock may stand still between two uses. */
    private void usedAt(Manifest.Entry entry, long millis) throws IOException {
        Files.setLastModifiedTime(
                temp.resolve("cache/used").resolve(entry.sha256().hex()), FileTime.fromMillis(millis));
    }

    private Path kept(Manifest.Entry entry) {
        String hex = entry.sha256().hex();
        return temp.resolve("cache/blobs").resolve(hex.substring(0, 2)).resolve(hex);
    }

    @Test
    void theLeastRecentlyUsedGoesFirst() throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (char letter : new char[] {'a', 'b', 'c'}) {
            entries.add(entry(letter, SIZE));
            out(entries.getLast());
            usedAt(entries.getLast(), letter);
        }
        usedAt(entries.getFirst(), 1_000_000);

        out(entry('d', SIZE));

        assertThat(kept(entries.get(0))).exists();
        assertThat(kept(entries.get(1))).doesNotExist();
        assertThat(kept(entries.get(2))).exists();
    }

    @Test
    void whatIsCheckedOutOutlivesItsEviction() throws IOException {
        Manifest.Entry first = entry('a', SIZE);
        cache.checkOut(first, temp.resolve("job"));

        out(entry('b', (int) LIMIT));

        assertThat(kept(first)).doesNotExist();
        assertThat(temp.resolve("job")).hasBinaryContent(remote.get(first.sha256()));
    }

    @Test
    void aFileLargerThanTheCacheIsStillServed() throws IOException {
        Manifest.Entry large = entry('a', (int) LIMIT + 1);

        assertThat(out(large)).hasBinaryContent(remote.get(large.sha256()));
        out(entry('b', SIZE));

        assertThat(kept(large)).doesNotExist();
    }

    @Test
    void ofManyWhoAskOneFetches() throws Exception {
        Manifest.Entry entry = entry('a', SIZE);
        List<Callable<Path>> asking = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            BlobCache other = another();
            Path target = temp.resolve("out" + i);
            asking.add(() -> {
                other.checkOut(entry, target);
                return target;
            });
        }

        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            for (Future<Path> asked : threads.invokeAll(asking)) {
                assertThat(asked.get()).hasBinaryContent(remote.get(entry.sha256()));
            }
        }

        assertThat(fetched).hasSize(1);
    }

    @Test
    void whileOthersEvictEveryoneGetsTheFile() throws Exception {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (char letter = 'a'; letter < 'i'; letter++) {
            entries.add(entry(letter, SIZE));
        }
        List<Callable<Integer>> asking = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            BlobCache other = another();
            Path target = temp.resolve("out" + i);
            asking.add(() -> {
                int read = 0;
                for (int round = 0; round < 5; round++) {
                    for (Manifest.Entry entry : entries) {
                        other.checkOut(entry, target);
                        assertThat(target).hasBinaryContent(remote.get(entry.sha256()));
                        read++;
                    }
                }
                return read;
            });
        }

        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (Future<Integer> asked : threads.invokeAll(asking)) {
                assertThat(asked.get()).isEqualTo(40);
            }
        }
    }

    @Test
    void aBlobThatIsNotThereIsNamedAtOnce() throws IOException {
        BlobCache empty = BlobCache.open(temp.resolve("other"), LIMIT, new VerifiedFiles(), blob -> {
            fetched.add(blob);
            throw new NoSuchFileException(blob.hex());
        });
        Manifest.Entry absent = entry('a', SIZE);

        assertThatThrownBy(() -> empty.checkOut(absent, temp.resolve("out")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(absent.sha256().hex());
        assertThat(fetched).hasSize(1);
    }
}
