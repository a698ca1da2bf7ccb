package io.millrace.tensors.checkpoint;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.format.safetensors.FolderPaths;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The files of a model folder that are not weights. */
public final class ModelFolder {
    public static final String CONFIG = "config.json";

    /** The files that travel to every output unchanged, where they exist; {@link SentenceModules} names further ones. */
    public static final List<String> COMPANIONS = List.of(
            "tokenizer.json",
            "tokenizer.model",
            Tekken.FILE,
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "generation_config.json",
            "chat_template.jinja",
            "chat_template.json");

    /** Chat templates for purposes of their own, a file each. */
    private static final String TEMPLATES = "additional_chat_templates";

    /** The files that travel with the part of a multimodal model that sees. */
    public static final List<String> SEEING_COMPANIONS = List.of("preprocessor_config.json", "processor_config.json");

    private static final List<String> PICKLES = List.of(".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt");

    private ModelFolder() {}

    /**
     * The folder's config.json. Pickles, which execute code when they are loaded, are never opened: a trainer leaves
     * them beside the safetensors, and a folder that has nothing else is refused by their name.
     */
    public static Path config(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            throw new NotDirectoryException(folder + " (expected the folder of a checkpoint)");
        }
        if (!Files.exists(folder.resolve(SafetensorsFolder.SINGLE))
                && !Files.exists(folder.resolve(SafetensorsFolder.INDEX))) {
            refusePickles(folder);
        }
        return new FolderPaths(folder).inside(CONFIG);
    }

    /** Refuses a folder that holds a pickle, by its name. */
    public static void refusePickles(Path folder) throws IOException {
        try (var files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                if (PICKLES.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith) && !ofOpenVino(file)) {
                    throw new MalformedFileException(
                            file,
                            -1,
                            "found a pickle file, which executes code when it is loaded, and no safetensors; convert it"
                                    + " once, where you trust its source: from_pretrained(folder), then"
                                    + " save_pretrained(new folder)");
                }
            }
        }
    }

    /** OpenVINO keeps a graph's weights beside it, as plain numbers. */
    private static boolean ofOpenVino(Path file) {
        String name = String.valueOf(file.getFileName());
        return name.endsWith(".bin")
                && Files.exists(file.resolveSibling(name.substring(0, name.length() - ".bin".length()) + ".xml"));
    }

    /** Copies the companions that {@code folder} has into {@code target}, as plain files. */
    public static void copyCompanions(Path folder, Path target) throws IOException {
        copy(COMPANIONS, folder, target);
        if (Files.isDirectory(folder.resolve(TEMPLATES))) {
            Files.createDirectories(target.resolve(TEMPLATES));
            copy(templates(folder), folder, target);
        }
    }

    private static List<String> templates(Path folder) throws IOException {
        List<String> names = new ArrayList<>();
        try (var files = Files.newDirectoryStream(folder.resolve(TEMPLATES), "*.jinja")) {
            files.forEach(file -> names.add(TEMPLATES + "/" + file.getFileName()));
        }
        return names;
    }

    /** Likewise those of the part of a multimodal model that sees. */
    public static void copySeeingCompanions(Path folder, Path target) throws IOException {
        copy(SEEING_COMPANIONS, folder, target);
    }

    /** Likewise those with which sentence-transformers makes embeddings. */
    public static void copySentenceModules(Path folder, Path target) throws IOException {
        for (String name : SentenceModules.in(folder).files()) {
            Files.createDirectories(target.resolve(name).resolveSibling(""));
            copy(List.of(name), folder, target);
        }
    }

    private static void copy(List<String> names, Path folder, Path target) throws IOException {
        FolderPaths paths = new FolderPaths(folder);
        for (String name : names) {
            if (Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
                Files.copy(paths.inside(name), target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
            }
        }
    }
}
