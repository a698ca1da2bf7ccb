package io.millrace.cli;

import io.millrace.store.DiskFullException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/** Where a command is going to write a folder. */
final class OutputPlace {
    private OutputPlace() {}

    /**
     * Refuses a place where nothing can be written, before the work and not after it. It is tried and not asked for: to
     * root, a file system says of any folder that it may be written to.
     *
     * @param remedy what else can be named, and how
     */
    static void require(Path out, String remedy) throws IOException {
        Path there = nearest(out.toAbsolutePath());
        if (Files.isSymbolicLink(there) && !Files.exists(there)) {
            throw refused(
                    out,
                    (there.equals(out.toAbsolutePath()) ? "it" : there) + " is a link to "
                            + Files.readSymbolicLink(there) + ", which is not there",
                    remedy);
        }
        if (!Files.isDirectory(there)) {
            throw refused(out, there + " is no folder", remedy);
        }
        try {
            Files.delete(Files.createTempDirectory(there, ".millrace-"));
        } catch (IOException e) {
            if (DiskFullException.isBehind(e)) {
                throw e;
            }
            throw refused(out, "nothing can be written into " + there + " (" + e + ")", remedy);
        }
    }

    /** The last part of the path that is there, be it a link to nowhere. */
    private static Path nearest(Path path) {
        Path there = path;
        while (!Files.exists(there, LinkOption.NOFOLLOW_LINKS) && there.getParent() != null) {
            there = there.getParent();
        }
        return there;
    }

    private static CommandFailure refused(Path out, String why, String remedy) {
        return new CommandFailure(ExitCode.REFUSED, out + " cannot be made: " + why + "; " + remedy);
    }
}
