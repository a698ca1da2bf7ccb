package io.millrace.tensors.format.gguf.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.format.gguf.GgufValue;
import io.millrace.tensors.format.safetensors.FolderPaths;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * The chat templates of a tokenizer: that of the name {@code default}, and others for purposes of their own such as
 * {@code tool_use} or {@code rag}. GGUF has a key for the default, one for each other by its name, and one that lists the
 * other names.
 */
record ChatTemplates(Map<String, String> byName) {
    private static final String KEY = "tokenizer.chat_template";
    private static final String NAMES_KEY = "tokenizer.chat_templates";

    private static final String DEFAULT = "default";
    private static final String FILE = "chat_template.jinja";
    private static final String FOLDER = "additional_chat_templates";
    private static final String SETTING = "chat_template";
    private static final String SUFFIX = ".jinja";

    private static final int MOST = 64;
    private static final int LONGEST_NAME = 64;
    private static final int LIMIT_BYTES = 1 << 20;

    /**
     * From the places where transformers looks for them. A {@code chat_template.jinja} puts aside all that
     * tokenizer_config.json says of templates, which older tools left in the same folder.
     */
    static ChatTemplates of(TokenizerFiles files) throws IOException {
        Map<String, String> found = new LinkedHashMap<>();
        FolderPaths paths = new FolderPaths(files.folder());
        if (Files.isRegularFile(files.folder().resolve(FILE))) {
            put(found, DEFAULT, read(paths, FILE), FILE);
        } else {
            putSetting(found, files.config(), TokenizerFiles.CONFIG);
        }
        for (String name : namesIn(files.folder().resolve(FOLDER))) {
            put(found, name, read(paths, FOLDER + "/" + name + SUFFIX), FOLDER);
        }
        putSetting(found, TokenizerFiles.json(files.folder(), "chat_template.json"), "chat_template.json");
        return new ChatTemplates(found);
    }

    /** From the keys of a GGUF file. */
    static ChatTemplates of(Map<String, GgufValue> keys) {
        Map<String, String> found = new LinkedHashMap<>();
        if (keys.get(KEY) instanceof GgufValue.Text(String template)) {
            found.put(DEFAULT, template);
        }
        if (keys.get(NAMES_KEY) instanceof GgufValue.Items(var _, List<GgufValue> names)) {
            for (GgufValue named : names) {
                if (named instanceof GgufValue.Text(String name)
                        && keys.get(KEY + "." + name) instanceof GgufValue.Text(String template)) {
                    found.putIfAbsent(name, template);
                }
            }
        }
        return new ChatTemplates(found);
    }

    /** Puts the keys of a GGUF file, in whose names there are letters, digits and {@code _} only. */
    void putKeys(Map<String, GgufValue> keys) throws IOException {
        Map<String, String> others = new LinkedHashMap<>();
        for (Map.Entry<String, String> template : byName.entrySet()) {
            String name = template.getKey().replaceAll("[^A-Za-z0-9]", "_");
            // llama.cpp knows no slices; SmolLM3 takes one of the whole list, which is the list.
            if (others.put(name, template.getValue().replace("[:]", "")) != null) {
                throw TokenizerFiles.problem(
                        SETTING, "two templates are named '" + name + "' in GGUF, expected names of their own");
            }
        }
        Optional.ofNullable(others.remove(DEFAULT)).ifPresent(template -> keys.put(KEY, GgufValue.text(template)));
        others.forEach((name, template) -> keys.put(KEY + "." + name, GgufValue.text(template)));
        if (!others.isEmpty()) {
            keys.put(NAMES_KEY, GgufValue.texts(List.copyOf(others.keySet())));
        }
    }

    /** Puts them as tokenizer_config.json has them: one text, or a list of names and texts. */
    void putSetting(ObjectNode settings) {
        if (byName.keySet().equals(Set.of(DEFAULT))) {
            settings.put(SETTING, byName.get(DEFAULT));
        } else if (!byName.isEmpty()) {
            ArrayNode list = settings.putArray(SETTING);
            byName.forEach(
                    (name, template) -> list.addObject().put("name", name).put("template", template));
        }
    }

    private static void putSetting(Map<String, String> found, ObjectNode settings, String file) throws IOException {
        JsonNode setting = settings.path(SETTING);
        if (setting.isTextual()) {
            put(found, DEFAULT, setting.asText(), file);
            return;
        }
        for (JsonNode named : setting) {
            if (named.path("template").isTextual()) {
                put(found, named.path("name").asText(), named.path("template").asText(), file);
            }
        }
    }

    private static void put(Map<String, String> found, String name, String template, String file) throws IOException {
        if (template.length() > LIMIT_BYTES) {
            throw TokenizerFiles.problem(
                    file, "a chat template has " + template.length() + " characters, expected at most " + LIMIT_BYTES);
        }
        if (name.length() > LONGEST_NAME) {
            throw TokenizerFiles.problem(
                    file,
                    "the name of a chat template has " + name.length() + " characters, expected at most "
                            + LONGEST_NAME);
        }
        if (!name.isEmpty()) {
            found.putIfAbsent(name, template);
        }
        if (found.size() > MOST) {
            throw TokenizerFiles.problem(file, "expected at most " + MOST + " chat templates");
        }
    }

    /** In their own order, since that of a folder is another on each machine. */
    private static TreeSet<String> namesIn(Path folder) throws IOException {
        TreeSet<String> names = new TreeSet<>();
        if (!Files.isDirectory(folder)) {
            return names;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*" + SUFFIX)) {
            for (Path file : files) {
                String name = String.valueOf(file.getFileName());
                names.add(name.substring(0, name.length() - SUFFIX.length()));
                if (names.size() > MOST) {
                    throw TokenizerFiles.problem(FOLDER, "expected at most " + MOST + " chat templates");
                }
            }
        }
        return names;
    }

    private static String read(FolderPaths paths, String name) throws IOException {
        Path file = paths.inside(name);
        if (Files.size(file) > LIMIT_BYTES) {
            throw TokenizerFiles.problem(name, "expected at most " + LIMIT_BYTES + " bytes");
        }
        try {
            return Files.readString(file);
        } catch (CharacterCodingException _) {
            throw TokenizerFiles.problem(name, "is no UTF-8, expected a text");
        }
    }
}
