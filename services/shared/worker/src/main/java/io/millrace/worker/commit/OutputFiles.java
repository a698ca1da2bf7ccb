package io.millrace.worker.commit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
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

    /** What is in this folder now; nothing if it is not there. */
    static OutputFiles in(Path folder) throws IOException {
        SortedMap<String, Long> sizes = new TreeMap<>();
        try (Stream<Path> files = Files.find(folder, Integer.MAX_VALUE, (_, is) -> !is.isDirectory())) {
            for (Path file : files.toList()) {
                sizes.put(folder.relativize(file).toString(), Files.size(file));
            }
        } catch (NoSuchFileException e) {
            return new OutputFiles(new TreeMap<>());
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        return new OutputFiles(sizes);
    }

    /** Those of these files that are not there, or have another size; and those that are there besides. */
    List<String> changed(OutputFiles now) {
        return Stream.concat(sizes.keySet().stream(), now.sizes.keySet().stream())
                .distinct()
                .filter(name -> !sizes.getOrDefault(name, -1L).equals(now.sizes.getOrDefault(name, -1L)))
                .toList();
    }
}
