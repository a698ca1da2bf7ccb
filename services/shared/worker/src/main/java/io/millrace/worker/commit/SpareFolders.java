package io.millrace.worker.commit;

import io.millrace.store.FolderTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;

/**
 * Empty folders of jobs that ended, for jobs that come. A file system that leaves inodes unused for a while after they
 * are deleted (ext4) looks at each of them before it finds one for a new file or folder; the shorter the jobs, the
 * more it tells.
 */
class SpareFolders {
    static final String PREFIX = "spare-";

    private final Queue<Path> spares = new ConcurrentLinkedQueue<>();

    /** Moves a spare folder to {@code place}, if there is one. */
    void take(Path place) {
        for (Path spare = spares.poll(); spare != null; spare = spares.poll()) {
            try {
                Files.move(spare, place, StandardCopyOption.ATOMIC_MOVE);
                return;
            } catch (IOException e) {
                // Removed by another process that swept here, or by a person: the next one, or none.
            }
        }
    }

    /** Empties the folder of a job that ended and keeps it; if that cannot be done, the folder is deleted. */
    void give(Path place) throws IOException {
        Path spare = place.resolveSibling(PREFIX + place.getFileName());
        try {
            empty(place);
            Files.move(place, spare, StandardCopyOption.ATOMIC_MOVE);
            spares.add(spare);
        } catch (IOException e) {
            // Removed by a person, or one of the same name is there already.
            FolderTree.delete(place);
        }
    }

    private static void empty(Path place) throws IOException {
        Path finished = place.resolve(WorkFolder.FINISHED);
        if (Files.exists(finished)) {
            Files.write(finished, new byte[0]);
        }
        for (Path part : children(place)) {
            String name = part.getFileName().toString();
            boolean folder = Files.isDirectory(part, LinkOption.NOFOLLOW_LINKS);
            if (folder && (name.equals(WorkFolder.WORK) || name.startsWith(WorkFolder.INPUT))) {
                for (Path file : children(part)) {
                    FolderTree.delete(file);
                }
            } else if (!name.equals(WorkFolder.FINISHED)) {
                FolderTree.delete(part);
            }
        }
    }

    private static List<Path> children(Path folder) throws IOException {
        try (Stream<Path> children = Files.list(folder)) {
            return children.toList();
        }
    }
}
