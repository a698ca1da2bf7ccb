package io.millrace.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** The folder of a model that is not there. Elsewhere {@code ORGANISATION/MODEL} is downloaded by itself; here it is not. */
final class MissingFolder {
    private MissingFolder() {}

    static CommandFailure failure(Path folder) {
        boolean mayBeAName = !folder.isAbsolute()
                && folder.getNameCount() == 2
                && !folder.startsWith(".")
                && !folder.startsWith("..")
                && !Files.exists(folder.getName(0));
        return new CommandFailure(
                ExitCode.NOT_FOUND,
                "there is no folder " + folder
                        + (mayBeAName
                                ? "; a model of Hugging Face's hub is downloaded first: hf download " + folder
                                        + " --local-dir FOLDER"
                                : ""));
    }
}
