package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.NoSuchFileException;
import java.util.Arrays;

/** Manifests are blobs; this reads them back. */
final class ManifestBlob {
    private static final int LARGEST_BYTES = 64 << 20;

    private ManifestBlob() {}

    static Manifest read(ArtifactStore store, Digest digest) throws IOException {
        byte[] content = content(store, digest);
        String where = "manifest " + digest;
        if (content.length > LARGEST_BYTES) {
            throw new DamagedFileException(
                    where + ": has more than " + LARGEST_BYTES + " bytes; this blob is no manifest");
        }
        Manifest manifest = Manifest.parse(where, content);
        if (!Arrays.equals(manifest.encoded(), content)) {
            throw new DamagedFileException(where + ": is not spelled as Millrace writes it; this blob is no manifest");
        }
        return manifest;
    }

    /** What came damaged is read once more: it may have been changed on its way. */
    private static byte[] content(ArtifactStore store, Digest digest) throws IOException {
        try {
            return readOnce(store, digest);
        } catch (DamagedFileException e) {
            return readOnce(store, digest);
        }
    }

    private static byte[] readOnce(ArtifactStore store, Digest digest) throws IOException {
        try (InputStream in = store.open(digest)) {
            return in.readNBytes(LARGEST_BYTES + 1);
        }
    }

    /** Says of one file whether it is there as the manifest has it. */
    interface OneFile {
        boolean isThere(Manifest.Entry entry) throws IOException;
    }

    static boolean isComplete(ArtifactStore store, ArtifactRef artifact, OneFile files) throws IOException {
        Manifest manifest;
        try {
            manifest = read(store, artifact.manifest());
        } catch (NoSuchFileException | DamagedFileException e) {
            return false;
        }
        if (!artifact.isInStore()) {
            return FilesInPlace.isComplete(manifest, artifact.location());
        }
        for (Manifest.Entry entry : manifest.files()) {
            if (!files.isThere(entry)) {
                return false;
            }
        }
        return true;
    }
}
