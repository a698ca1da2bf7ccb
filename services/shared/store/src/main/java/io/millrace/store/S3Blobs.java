package io.millrace.store;

import io.millrace.events.Digest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The blobs of a store on S3. A name must be known before the first byte is sent and nothing is ever renamed, so a file
 * whose writer does not know its digest is read twice, first for that. Two writers of one blob write the same bytes. A
 * blob that was put long ago is written again, so that it is young, and so that no collector takes it: see {@link
 * S3Condemned}.
 */
final class S3Blobs implements BlobCache.Source {
    private static final Logger LOG = LoggerFactory.getLogger(S3Blobs.class);

    private final S3Bucket bucket;
    private final S3Uploads uploads;
    private final S3Condemned condemned;
    private final Duration renewedAfter;

    /** @param renewedAfter so long a blob that is put again is as good as new */
    S3Blobs(S3Bucket bucket, S3Uploads uploads, S3Condemned condemned, Duration renewedAfter) {
        this.bucket = bucket;
        this.uploads = uploads;
        this.condemned = condemned;
        this.renewedAfter = renewedAfter;
    }

    static String key(Digest blob) {
        return "blobs/" + blob.hex().substring(0, 2) + "/" + blob.hex();
    }

    /**
     * @param known what its writer says; nothing is stored under a digest that is not that of the bytes that were sent
     * @param sent told how many bytes of it are on their way
     */
    Digest put(Path file, Optional<Digest> known, LongConsumer sent) throws IOException {
        long sizeBytes = Files.size(file);
        if (sizeBytes <= uploads.partBytes()) {
            return put(Files.readAllBytes(file));
        }
        if (known.isPresent()) {
            try {
                return put(file, new Content(known.get(), sizeBytes), sent);
            } catch (ChangedFileException e) {
                LOG.warn("a stage told another digest than its file has, which is read: {}", e.getMessage());
            }
        }
        return put(file, Content.of(file), sent);
    }

    /** Also if the file is small, and there already. */
    Digest putInParts(Path file) throws IOException {
        Content content = Content.of(file);
        uploads.store(key(content.digest()), file, content, _ -> {});
        return content.digest();
    }

    private Digest put(Path file, Content content, LongConsumer sent) throws IOException {
        return put(content, () -> uploads.store(key(content.digest()), file, content, sent));
    }

    Digest put(byte[] bytes) throws IOException {
        Content content = new Content(Digest.of(bytes), bytes.length);
        return put(content, () -> bucket.put(key(content.digest()), bytes));
    }

    /** Writes a blob. */
    private interface Write {
        void run() throws IOException;
    }

    private Digest put(Content content, Write write) throws IOException {
        Digest blob = content.digest();
        Optional<S3Bucket.Seen> seen = bucket.look(key(blob));
        if (seen.filter(object -> object.sizeBytes() == content.sizeBytes())
                .flatMap(S3Bucket.Seen::age)
                .filter(age -> age.compareTo(renewedAfter) <= 0)
                .isPresent()) {
            return blob;
        }
        write.run();
        if (seen.isPresent()) {
            condemned.outlast(blob);
            if (sizeBytes(blob).isEmpty()) {
                write.run();
            }
        }
        return blob;
    }

    Optional<Long> sizeBytes(Digest blob) throws IOException {
        return bucket.sizeBytes(key(blob));
    }

    InputStream open(Digest blob) throws IOException {
        return new VerifyingInputStream(fetch(blob), where(blob), blob);
    }

    @Override
    public InputStream fetch(Digest blob) throws IOException {
        long sizeBytes = sizeBytes(blob).orElseThrow(() -> gone(blob));
        return sizeBytes == 0
                ? InputStream.nullInputStream()
                : new ResumingInputStream(
                        offset -> bucket.read(key(blob), offset).orElseThrow(() -> gone(blob)), sizeBytes);
    }

    @Override
    public String where(Digest blob) {
        return bucket.place(key(blob));
    }

    private NoSuchFileException gone(Digest blob) {
        return new NoSuchFileException(
                where(blob), null, "this blob is not in the store; 'millrace store verify' says what needs it");
    }
}
