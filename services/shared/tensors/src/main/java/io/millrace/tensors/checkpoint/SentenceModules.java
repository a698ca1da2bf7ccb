package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.safetensors.FolderPaths;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * How sentence-transformers makes an embedding of what a model computes: {@code modules.json} lists the steps, and each
 * has a folder with its {@code config.json}, or none. A step may have weights of its own there, which no stage reads.
 *
 * @param files what goes along where the model stays one for sentence-transformers
 * @param leftOut what else lies in the folders of the steps
 */
public record SentenceModules(SortedSet<String> files, SortedSet<String> leftOut) {
    private static final String MODULES = "modules.json";

    /** Its files beside the model's own. */
    public static final List<String> NAMES =
            List.of(MODULES, "config_sentence_transformers.json", "sentence_bert_config.json");

    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");
    private static final long LIMIT_BYTES = 1 << 20;

    public SentenceModules {
        files = new TreeSet<>(files);
        leftOut = new TreeSet<>(leftOut);
    }

    /** Those of a model's folder; both are empty in most. */
    public static SentenceModules in(Path folder) throws IOException {
        FolderPaths paths = new FolderPaths(folder);
        SortedSet<String> files = new TreeSet<>();
        SortedSet<String> leftOut = new TreeSet<>();
        for (String name : NAMES) {
            if (Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
                paths.inside(name);
                files.add(name);
            }
        }
        if (files.contains(MODULES)) {
            for (JsonNode module : StrictJson.readList(paths.inside(MODULES), LIMIT_BYTES)) {
                String path = path(module);
                for (String name : path.isEmpty() ? List.<String>of() : names(folder, path)) {
                    if (name.equals(path + "/" + ModelFolder.CONFIG)) {
                        paths.inside(name);
                        files.add(name);
                    } else {
                        leftOut.add(name);
                    }
                }
            }
        }
        return new SentenceModules(files, leftOut);
    }

    /** What a result lacks; empty if nothing. */
    public Optional<String> lost() {
        return leftOut.isEmpty()
                ? Optional.empty()
                : Optional.of("the language model alone is written; sentence-transformers also reads "
                        + String.join(", ", leftOut) + ": copy that into the result where it shall embed texts");
    }

    /** The folder of a step; empty for the model's own. */
    private static String path(JsonNode module) throws MalformedFileException {
        JsonNode path = module.path("path");
        if (!path.isTextual()
                || (!path.asText().isEmpty() && !PLAIN.matcher(path.asText()).matches())) {
            throw new MalformedFileException(
                    MODULES,
                    -1,
                    "a module's 'path' is " + (path.isMissingNode() ? "missing" : path)
                            + ", expected the plain name of a folder such as '1_Pooling'");
        }
        return path.asText();
    }

    private static SortedSet<String> names(Path folder, String path) throws IOException {
        SortedSet<String> names = new TreeSet<>();
        Path inner = folder.resolve(path);
        if (Files.isSymbolicLink(inner)) {
            throw new MalformedFileException(
                    path, -1, "the folder is a symbolic link, expected the folder itself; copy the model with cp -rL");
        }
        if (Files.isDirectory(inner)) {
            try (var files = Files.newDirectoryStream(inner)) {
                files.forEach(file -> names.add(path + "/" + file.getFileName()));
            }
        }
        return names;
    }
}
