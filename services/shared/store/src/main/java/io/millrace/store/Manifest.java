package io.millrace.store;

import io.millrace.events.CanonicalJson;
import io.millrace.events.Digest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The files of an artifact, sorted by name, and what is to be known of them. The digest of {@link #canonicalJson} is the
 * artifact's identity.
 */
public record Manifest(List<Entry> files, SortedMap<String, String> metadata) {
    /**
     * One file.
     *
     * @param name a relative path with '/' between its parts that stays inside the artifact's folder
     */
    public record Entry(String name, long sizeBytes, Digest sha256, String mediaType) {
        public Entry {
            if (sizeBytes < 0) {
                throw new IllegalArgumentException("file '" + name + "' has a negative size");
            }
            for (String part : name.split("/", -1)) {
                if (part.isEmpty()
                        || part.equals(".")
                        || part.equals("..")
                        || part.contains("\\")
                        || part.contains("\0")) {
                    throw new IllegalArgumentException("file name '" + name + "' could leave the artifact's folder");
                }
            }
        }

        /** Describes a file whose content is known. */
        public static Entry of(String name, long sizeBytes, Digest sha256) {
            return new Entry(name, sizeBytes, sha256, FolderListing.mediaType(name));
        }

        /** Describes a file, which is read once; what is read also goes to {@code copy}. An interrupt ends it. */
        public static Entry of(String name, Path file, OutputStream copy) throws IOException {
            Content content = Content.of(file, copy);
            return of(name, content.sizeBytes(), content.digest());
        }
    }

    public Manifest {
        files = files.stream().sorted(Comparator.comparing(Entry::name)).toList();
        for (int i = 1; i < files.size(); i++) {
            if (files.get(i).name().equals(files.get(i - 1).name())) {
                throw new IllegalArgumentException("file '" + files.get(i).name() + "' appears twice");
            }
        }
        metadata = Collections.unmodifiableSortedMap(new TreeMap<>(metadata));
    }

    /** Bytes of all files. */
    public long sizeBytes() {
        return files.stream().mapToLong(Entry::sizeBytes).sum();
    }

    public String canonicalJson() {
        return CanonicalJson.write(Map.of(
                "files",
                files.stream()
                        .map(entry -> new TreeMap<String, Object>(Map.of(
                                "name", entry.name(),
                                "size", entry.sizeBytes(),
                                "sha256", entry.sha256().hex(),
                                "media-type", entry.mediaType())))
                        .toList(),
                "metadata",
                metadata));
    }

    /** What is stored, and hashed: {@link #canonicalJson} in UTF-8. */
    byte[] encoded() {
        return canonicalJson().getBytes(StandardCharsets.UTF_8);
    }

    /** Reads {@link #canonicalJson} strictly; {@code where} names it in errors. */
    public static Manifest parse(String where, byte[] canonicalJson) throws DamagedFileException {
        JsonFields json = JsonFields.parse(where, canonicalJson);
        try {
            List<Entry> files = new ArrayList<>();
            for (JsonFields file : json.objects("files")) {
                files.add(new Entry(
                        file.text("name"),
                        file.whole("size"),
                        new Digest(file.text("sha256")),
                        file.text("media-type")));
                file.end();
            }
            JsonFields metadata = json.object("metadata");
            SortedMap<String, String> values = new TreeMap<>();
            for (String name : metadata.names()) {
                values.put(name, metadata.text(name));
            }
            json.end();
            return new Manifest(files, values);
        } catch (IllegalArgumentException e) {
            throw new DamagedFileException(where + ": " + e.getMessage(), e);
        }
    }
}
