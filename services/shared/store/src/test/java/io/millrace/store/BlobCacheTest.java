package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Digest;
import java.io.ByteArrayInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlobCacheTest {
    private static final int SIZE = 100;
    private static final long LIMIT = 3 * SIZE;

    /** Large enough for its digest to be remembered. */
    private static final int BIG = 5 << 20;

    @TempDir
    Path temp;

    private final Map<Digest, byte[]> remote = new HashMap<>();
    private final List<Digest> fetched = new ArrayList<>();
    private Runnable onFetch = () -> {};
    private BlobCache cache;

    @BeforeEach
    void open() throws IOException {
        cache = another();
    }

    /** As another process would open it. */
    private BlobCache another() throws IOException {
        return open(new VerifiedFiles());
    }

    private BlobCache open(VerifiedFiles verified) throws IOException {
        return open(verified, new Disk());
    }

    private BlobCache open(VerifiedFiles verified, Disk disk) throws IOException {
        return BlobCache.open(
                temp.resolve("cache"),
                LIMIT,
                verified,
                new BlobCache.Source() {
                    @Override
                    public InputStream fetch(Digest blob) throws IOException {
                        synchronized (fetched) {
                            fetched.add(blob);
                        }
                        onFetch.run();
                        byte[] content = remote.get(blob);
                        if (content == null) {
                            throw new NoSuchFileException(where(blob));
                        }
                        return new ByteArrayInputStream(content);
                    }

                    @Override
                    public String where(Digest blob) {
                        return "far-away/" + blob.hex();
                    }
                },
                disk);
    }

    private long heldBytes() throws IOException {
        try (Stream<Path> files = Files.walk(temp.resolve("cache/blobs"))) {
            return files.filter(Files::isRegularFile)
                    .mapToLong(file -> file.toFile().length())
                    .sum();
        }
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
        assertThat(temp.resolve("cache/used").resolve(entries.get(1).sha256().hex()))
                .doesNotExist();
    }

    @Test
    void whatIsAskedForAgainWasUsedJustNow() throws IOException {
        List<Manifest.Entry> entries = new ArrayList<>();
        for (char letter : new char[] {'a', 'b', 'c'}) {
            entries.add(entry(letter, SIZE));
            out(entries.getLast());
            usedAt(entries.getLast(), letter);
        }

        out(entries.getFirst());
        out(entry('d', SIZE));

        assertThat(kept(entries.get(0))).exists();
        assertThat(kept(entries.get(1))).doesNotExist();
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
    void aDiskThatTheCacheFillsIsFreedOfWhatWasNotUsedForLong() throws IOException {
        cache = open(new VerifiedFiles(), new Disk() {
            @Override
            FileOutputStream create(Path file) throws IOException {
                if (heldBytes() + SIZE > 2 * SIZE) {
                    throw new IOException(file + " (No space left on device)");
                }
                return super.create(file);
            }
        });
        List<Manifest.Entry> entries = new ArrayList<>();
        for (char letter : new char[] {'a', 'b', 'c'}) {
            entries.add(entry(letter, SIZE));
            assertThat(out(entries.getLast()))
                    .hasBinaryContent(remote.get(entries.getLast().sha256()));
            usedAt(entries.getLast(), letter);
        }

        assertThat(kept(entries.get(0))).doesNotExist();
        assertThat(kept(entries.get(1))).exists();
    }

    @Test
    void aDiskThatOthersFillIsSaidToBeFull() throws IOException {
        cache = open(new VerifiedFiles(), new Disk() {
            @Override
            FileOutputStream create(Path file) throws IOException {
                throw new IOException(file + " (No space left on device)");
            }
        });
        Manifest.Entry entry = entry('a', SIZE);

        assertThatThrownBy(() -> out(entry)).isInstanceOf(DiskFullException.class);
        assertThat(fetched).hasSize(1);
    }

    /** On its way, or by a server's memory. */
    @Test
    void whatComesDamagedIsFetchedOnceMore() throws IOException {
        Manifest.Entry entry = entry('a', SIZE);
        byte[] sound = remote.put(entry.sha256(), new byte[SIZE]);
        onFetch = () -> {
            if (fetched.size() == 2) {
                remote.put(entry.sha256(), sound);
            }
        };

        assertThat(out(entry)).hasBinaryContent(sound);
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
    void severalWhoFetchAtOnceKeepTheLimitTogether() throws Exception {
        int many = 6;
        CyclicBarrier allMadeRoom = new CyclicBarrier(many);
        AtomicInteger first = new AtomicInteger(many);
        onFetch = () -> {
            try {
                if (first.decrementAndGet() >= 0) {
                    allMadeRoom.await();
                }
            } catch (InterruptedException | BrokenBarrierException e) {
                throw new IllegalStateException(e);
            }
        };
        List<Callable<Path>> asking = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            Manifest.Entry entry = entry((char) ('a' + i), SIZE);
            BlobCache other = another();
            Path target = temp.resolve("out" + i);
            asking.add(() -> {
                other.checkOut(entry, target);
                return target;
            });
        }

        try (ExecutorService threads = Executors.newFixedThreadPool(many)) {
            for (Future<Path> asked : threads.invokeAll(asking)) {
                assertThat(asked.get()).exists();
            }
        }

        assertThat(heldBytes()).isLessThanOrEqualTo(LIMIT);
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
    void whatIsNotTheBlobIsNeitherKeptNorHandedOut() throws IOException {
        for (int sizeBytes : new int[] {SIZE, BIG}) {
            Manifest.Entry entry = entry('a', sizeBytes);
            byte[] other = new byte[sizeBytes];
            remote.put(entry.sha256(), other);

            assertThatThrownBy(() -> cache.checkOut(entry, temp.resolve("out")))
                    .isInstanceOf(DamagedFileException.class)
                    .hasMessageStartingWith("far-away/" + entry.sha256().hex())
                    .hasMessageContaining(Digest.of(other).hex());

            assertThat(temp.resolve("out")).doesNotExist();
            assertThat(temp.resolve("cache/blobs")).isEmptyDirectory();
            assertThat(temp.resolve("cache/tmp")).isEmptyDirectory();
        }
    }

    @Test
    void aManifestWithAnotherSizeThanItsBlobIsNotObeyedForEver() throws IOException {
        Manifest.Entry entry = entry('a', SIZE);
        Manifest.Entry shorter = new Manifest.Entry("file", SIZE - 1, entry.sha256(), "text/plain");

        assertThatThrownBy(() -> cache.checkOut(shorter, temp.resolve("out")))
                .isInstanceOf(DamagedFileException.class)
                .hasMessageContaining("'file' has 100 bytes, expected 99");
        assertThat(fetched).hasSize(2);
    }

    /** Only who reads the file can tell that it was changed: its size and its time stay. */
    @Test
    void aBigBlobThatWasVerifiedOnItsWayIsNotReadAgainByThisProcessAndIsByAnother() throws IOException {
        VerifiedFiles verified = new VerifiedFiles();
        Manifest.Entry entry = entry('a', BIG);
        Path root = temp.resolve("cache");
        BlobFolder blobs = new BlobFolder(
                root.resolve("blobs"),
                new Disk(),
                new TempFiles(root.resolve("tmp"), new Disk()),
                new FolderLocks(root.resolve("names")),
                verified);
        blobs.write(new ByteArrayInputStream(remote.get(entry.sha256())), entry.sha256(), "far-away");
        Path kept = kept(entry);
        FileTime modified = Files.getLastModifiedTime(kept);
        assertThat(kept.toFile().setWritable(true)).isTrue();
        try (FileChannel file = FileChannel.open(kept, StandardOpenOption.WRITE)) {
            file.write(ByteBuffer.wrap(new byte[1]), 7);
        }
        Files.setLastModifiedTime(kept, modified);

        assertThat(verified.digest(kept)).isEqualTo(entry.sha256());
        another().checkOut(entry, temp.resolve("again"));

        assertThat(temp.resolve("again")).hasBinaryContent(remote.get(entry.sha256()));
        assertThat(fetched).hasSize(1);
    }

    @Test
    void aBigBlobThatWasTouchedIsReadAgain() throws IOException {
        Manifest.Entry entry = entry('a', BIG);
        cache.checkOut(entry, temp.resolve("out"));
        assertThat(kept(entry).toFile().setWritable(true)).isTrue();
        Files.write(kept(entry), new byte[BIG]);
        Files.setLastModifiedTime(kept(entry), FileTime.fromMillis(1));

        cache.checkOut(entry, temp.resolve("again"));

        assertThat(temp.resolve("again")).hasBinaryContent(remote.get(entry.sha256()));
    }

    @Test
    void aBlobThatIsNotThereIsNamedAtOnce() throws IOException {
        Manifest.Entry absent = entry('a', SIZE);
        remote.clear();

        assertThatThrownBy(() -> cache.checkOut(absent, temp.resolve("out")))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining(absent.sha256().hex());
        assertThat(fetched).hasSize(1);
    }
}
