package io.millrace.worker.commit;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What a stage finished is not whole any more: waiting mends nothing, it has to be made again. */
final class OutputLostException extends IOException {
    private static final int MOST_NAMES = 5;

    OutputLostException(Path folder, List<String> files) {
        super(folder + ": of the finished output "
                + String.join(", ", files.subList(0, Math.min(MOST_NAMES, files.size())))
                + (files.size() > MOST_NAMES ? " and " + (files.size() - MOST_NAMES) + " more" : "")
                + (files.size() == 1 ? " was" : " were")
                + " removed or changed before it was stored, and it is made again; name a folder with --work-folder that"
                + " nothing else cleans up");
    }
}
