package io.millrace.store;

import static io.millrace.store.Samples.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.NoSuchFileException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** A store whose reads fail: once, for ever, or all of them. */
class StoreCheckTest {
    /** How a blob is read the first times; afterwards as it is. */
    interface Reading {
        InputStream open(Digest blob) throws IOException;
    }

    private final MemoryStore store = new MemoryStore();
    private final Map<Digest, Integer> reads = new HashMap<>();

    private static final Reading OTHER_BYTES =
            blob -> new VerifyingInputStream(new ByteArrayInputStream(bytes("other")), "the disk", blob);
    private static final Reading ERROR = _ -> new FilterInputStream(InputStream.nullInputStream()) {
        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            throw new IOException("input/output error");
        }
    };

    /** The store, whose every blob is read in this way so often. */
    private ArtifactStore failing(Reading reading, int times) {
        return (ArtifactStore) Proxy.newProxyInstance(
                ArtifactStore.class.getClassLoader(), new Class<?>[] {ArtifactStore.class}, (_, method, arguments) -> {
                    if (method.getName().equals("open")
                            && reads.merge((Digest) arguments[0], 1, Integer::sum) <= times) {
                        return reading.open((Digest) arguments[0]);
                    }
                    try {
                        return method.invoke(store, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static StoreCheck.Report check(ArtifactStore store) throws Exception {
        return new StoreCheck(store, (_, _, _) -> {}, new PassingTime()).run(List.of());
    }

    @Test
    void oneReadThatGoesWrongIsNoDamage() throws Exception {
        store.put(bytes("whole"));

        for (Reading reading : new Reading[] {OTHER_BYTES, ERROR}) {
            reads.clear();
            StoreCheck.Report report = check(failing(reading, 1));

            assertThat(report.damages()).isEmpty();
            assertThat(report.sizeBytes()).isEqualTo(5);
        }
    }

    @Test
    void whatIsReadWrongTwiceIsDamaged() throws Exception {
        store.put(bytes("whole"));

        assertThat(check(failing(OTHER_BYTES, 2)).damages())
                .singleElement()
                .satisfies(damage -> assertThat(damage.found()).contains("5 bytes whose digest is another one"));
        reads.clear();
        assertThat(check(failing(ERROR, 2)).damages())
                .singleElement()
                .satisfies(damage -> assertThat(damage.found()).contains("cannot be read: input/output error"));
    }

    @Test
    void aStoreThatReadsNothingIsNotCalledDamaged() throws Exception {
        for (int blob = 0; blob < 10; blob++) {
            store.put(bytes("blob " + blob));
        }

        assertThatThrownBy(() -> check(failing(ERROR, 2)))
                .isInstanceOf(IOException.class)
                .hasMessage("input/output error");
    }

    @Test
    void readsThatFailNowAndThenAreTheBlobsOwn() throws Exception {
        Set<Digest> broken = new TreeSet<>();
        for (int blob = 0; blob < 12; blob++) {
            store.put(bytes("whole " + blob));
            broken.add(store.put(bytes("broken " + blob)));
        }

        StoreCheck.Report report =
                check(failing(blob -> broken.contains(blob) ? ERROR.open(blob) : store.open(blob), 2));

        assertThat(report.damages()).hasSize(12);
        assertThat(report.blobs()).isEqualTo(24);
    }

    @Test
    void aBlobThatWasCollectedSinceItWasListedIsNoDamage() throws Exception {
        store.put(bytes("whole"));

        assertThat(check(failing(
                                blob -> {
                                    throw new NoSuchFileException(blob.hex());
                                },
                                2))
                        .whole())
                .isTrue();
    }

    @Test
    void aManifestWithAnotherSizeThanItsBlobIsNamed() throws Exception {
        Digest blob = store.put(bytes("whole"));
        ArtifactRef artifact = store.publish(
                new Manifest(List.of(new Manifest.Entry("file", 4, blob, "text/plain")), new TreeMap<>()));

        StoreCheck.Report report = new StoreCheck(store, (_, _, _) -> {}, new PassingTime()).run(List.of(artifact));

        assertThat(report.damages()).singleElement().satisfies(damage -> {
            assertThat(damage.place()).isEqualTo(store.inventory().place(blob));
            assertThat(damage.found()).isEqualTo("has 5 bytes, expected 4");
            assertThat(damage.artifacts()).containsExactly(artifact.manifest());
        });
    }
}
