package io.millrace.worker.commit;

import io.millrace.store.FolderListing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Which files an output has, by name and size. A finished output may wait for hours below a folder that others clean up, and
 * what is left of it then must not be taken for the whole.
 */
record OutputFiles(SortedMap<String, Long> sizes) {
    OutputFiles {
        sizes = Collections.unmodifiableSortedMap(new TreeMap<>(sizes));
    }

    /** What is in this folder now, by the names that an artifact would have; nothing if it is not there. */
    static OutputFiles in(Path folder) throws IOException {
        SortedMap<String, Long> sizes = new TreeMap<>();
        try {
            for (Map.Entry<String, Path> file : FolderListing.of(folder).entrySet()) {
                sizes.put(file.getKey(), Files.size(file.getValue()));
            }
        } catch (NoSuchFileException e) {
            return new OutputFiles(new TreeMap<>());
        }
        return new OutputFiles(sizes);
    }

    /** Those of these files that are not there, or have another size; and those that are there besides. */
    List<String> changed(OutputFiles now) {
        if (sizes.equals(now.sizes)) {
            return List.of();
        }
        return Stream.concat(sizes.keySet().stream(), now.sizes.keySet().stream())
                .distinct()
                .filter(name -> !sizes.getOrDefault(name, -1L).equals(now.sizes.getOrDefault(name, -1L)))
                .toList();
    }
}
