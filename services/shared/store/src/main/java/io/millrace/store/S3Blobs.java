package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The blobs of a store on S3. A name must be known before the first byte is sent and nothing is ever renamed, so a file
 * is read twice, first for its digest. Two writers of one blob write the same bytes.
 */
final class S3Blobs {
    private final S3Bucket bucket;
    private final S3Uploads uploads;

    S3Blobs(S3Bucket bucket, S3Uploads uploads) {
        this.bucket = bucket;
        this.uploads = uploads;
    }

    private static String key(Digest blob) {
        return "blobs/" + blob.hex().substring(0, 2) + "/" + blob.hex();
    }

    Digest put(Path file) throws IOException {
        if (Files.size(file) <= uploads.partBytes()) {
            return put(Files.readAllBytes(file));
        }
        Content content = Content.of(file);
        if (!stands(content.digest(), content.sizeBytes())) {
            uploads.store(key(content.digest()), file, content);
        }
        return content.digest();
    }

    Digest put(byte[] content) throws IOException {
        Digest digest = Digest.of(content);
        if (!stands(digest, content.length)) {
            bucket.put(key(digest), content);
        }
        return digest;
    }

    private boolean stands(Digest blob, long sizeBytes) throws IOException {
        return sizeBytes(blob).equals(Optional.of(sizeBytes));
    }

    Optional<Long> sizeBytes(Digest blob) throws IOException {
        return bucket.sizeBytes(key(blob));
    }

    InputStream open(Digest blob) throws IOException {
        String key = key(blob);
        long sizeBytes = sizeBytes(blob).orElseThrow(() -> gone(key));
        InputStream content = sizeBytes == 0
                ? InputStream.nullInputStream()
                : new ResumingInputStream(offset -> bucket.read(key, offset).orElseThrow(() -> gone(key)), sizeBytes);
        return new VerifyingInputStream(content, bucket.name() + "/" + bucket.key(key), blob);
    }

    private NoSuchFileException gone(String key) {
        return new NoSuchFileException(
                bucket.name() + "/" + bucket.key(key), null, "this blob is not in the store; run the job again");
    }
}
