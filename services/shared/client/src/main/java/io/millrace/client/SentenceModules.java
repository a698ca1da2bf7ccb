package io.millrace.client;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * How sentence-transformers makes an embedding of what a model computes: {@code modules.json} lists the steps, and each
 * has a folder with its {@code config.json}, or none. A step's own weights belong to no checkpoint.
 *
 * @param files what belongs to the checkpoint
 * @param folders of the steps
 * @param leftOut what else lies in them
 */
record SentenceModules(SortedSet<String> files, SortedSet<String> folders, SortedSet<String> leftOut) {
    private static final String MODULES = "modules.json";
    private static final List<String> NAMES =
            List.of(MODULES, "config_sentence_transformers.json", "sentence_bert_config.json");
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]*");

    SentenceModules {
        files = new TreeSet<>(files);
        folders = new TreeSet<>(folders);
        leftOut = new TreeSet<>(leftOut);
    }

    static SentenceModules in(FolderFiles inside) throws IOException {
        SortedSet<String> files = new TreeSet<>();
        SortedSet<String> folders = new TreeSet<>();
        for (String name : NAMES) {
            if (inside.has(name)) {
                inside.require(name);
                files.add(name);
            }
        }
        if (files.contains(MODULES)) {
            CheckpointJson steps = CheckpointJson.list(inside.require(MODULES));
            for (JsonNode step : steps.node()) {
                String path = path(steps, step);
                if (!path.isEmpty() && inside.has(path)) {
                    inside.requireFolder(path);
                    folders.add(path + "/");
                }
            }
        }
        SortedSet<String> leftOut = new TreeSet<>();
        for (String folder : folders) {
            String config = folder + CheckpointFolder.CONFIG;
            if (inside.has(config)) {
                inside.require(config);
                files.add(config);
            }
            leftOut.addAll(inside.namesIn(folder.substring(0, folder.length() - 1), ""));
            leftOut.remove(config);
        }
        return new SentenceModules(files, folders, leftOut);
    }

    /** The folder of a step; empty for the model's own. */
    private static String path(CheckpointJson steps, JsonNode step) throws RefusedCheckpointException {
        JsonNode path = step.path("path");
        if (!path.isTextual()
                || (!path.asText().isEmpty() && !PLAIN.matcher(path.asText()).matches())) {
            throw steps.refused("a module's 'path' is " + (path.isMissingNode() ? "missing" : path)
                    + ", expected the plain name of a folder such as '1_Pooling'");
        }
        return path.asText();
    }
}
