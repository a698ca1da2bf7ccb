package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model in several files, as llama.cpp's {@code gguf-split} lays it out. The first has all of the model's keys. Each has
 * three of its own:
 *
 * <pre>
 * split.no              u16   from 0
 * split.count           u16   how many files there are
 * split.tensors.count   i32   tensors of the whole model
 * </pre>
 */
final class GgufParts {
    static final String NUMBER_KEY = "split.no";
    static final String COUNT_KEY = "split.count";
    static final String TENSORS_KEY = "split.tensors.count";

    private GgufParts() {}

    /** A part's own keys; {@code number} from 0. */
    static Map<String, GgufValue> keys(int number, int count, int tensors) {
        Map<String, GgufValue> keys = new LinkedHashMap<>();
        keys.put(NUMBER_KEY, GgufValue.u16(number));
        keys.put(COUNT_KEY, GgufValue.u16(count));
        keys.put(TENSORS_KEY, new GgufValue.Whole(GgufValue.Type.I32, tensors));
        return keys;
    }

    /** How many files the model is in. */
    static long count(GgufPart part) {
        return whole(part, COUNT_KEY).orElse(1L);
    }

    /** All parts of the model, the first given; checked to belong together. */
    static List<GgufPart> beside(Path file, GgufPart first, Arena arena) throws IOException {
        int count = Math.clamp(count(first), -1, Integer.MAX_VALUE);
        if (count < 0) {
            throw first.problem("'" + COUNT_KEY + "' is " + count(first)
                    + ", expected how many files the model is in; convert or split the model again");
        }
        if (count <= 1) {
            return List.of(first);
        }
        GgufPartName name = name(first, count);
        List<GgufPart> parts = new ArrayList<>();
        parts.add(first);
        for (int number = 1; number < count; number++) {
            GgufPartName wanted = name.withNumber(number + 1);
            Path sibling = file.resolveSibling(wanted.toString());
            if (!Files.isRegularFile(sibling)) {
                throw GgufPartName.missing(file, wanted);
            }
            GgufPart part = GgufPart.map(sibling, arena);
            requirePart(part, number, count, first);
            parts.add(part);
        }
        requireWhole(parts);
        return parts;
    }

    /** Checks that a file says to be the first part, and is named so that the others can be found. */
    private static GgufPartName name(GgufPart first, int count) throws MalformedFileException {
        Optional<GgufPartName> name = GgufPartName.parse(first.file());
        long number = whole(first, NUMBER_KEY).orElse(-1L);
        if (number != 0) {
            throw first.problem("this is part " + (number + 1) + " of " + count + " of a model; open the first part"
                    + name.map(part -> ", '" + part.withNumber(1) + "'").orElse(""));
        }
        if (name.isEmpty() || name.get().number() != 1 || name.get().count() != count) {
            throw first.problem("is the first of " + count + " parts of a model, expected a name such as '"
                    + GgufPartName.first(first.file(), count) + "'; give each part its name back");
        }
        return name.get();
    }

    private static void requirePart(GgufPart part, int number, int count, GgufPart first)
            throws MalformedFileException {
        require(part, NUMBER_KEY, number);
        require(part, COUNT_KEY, count);
        require(part, TENSORS_KEY, whole(first, TENSORS_KEY).orElse(-1L));
        for (Map.Entry<String, GgufValue> key : part.header().metadata().entrySet()) {
            GgufValue ofFirst = first.header().metadata().get(key.getKey());
            if (!key.getKey().startsWith("split.") && ofFirst != null && !ofFirst.equals(key.getValue())) {
                throw part.problem("'" + key.getKey() + "' is " + key.getValue() + ", but " + ofFirst + " in '"
                        + first.file() + "': this is a part of another model");
            }
        }
    }

    private static void require(GgufPart part, String key, long expected) throws MalformedFileException {
        Optional<Long> found = whole(part, key);
        if (found.isEmpty() || found.get() != expected) {
            throw part.problem("'" + key + "' is " + found.map(String::valueOf).orElse("missing") + ", expected "
                    + expected + ": this is a part of another model, or is named as another part");
        }
    }

    private static void requireWhole(List<GgufPart> parts) throws MalformedFileException {
        GgufPart first = parts.getFirst();
        Map<String, GgufPart> owners = new HashMap<>();
        for (GgufPart part : parts) {
            for (GgufTensor tensor : part.header().tensors()) {
                GgufPart other = owners.put(tensor.name(), part);
                if (other != null) {
                    throw part.problem("tensor '" + tensor.name() + "' is in '" + other.file() + "' too");
                }
            }
        }
        long stated = whole(first, TENSORS_KEY).orElse(-1L);
        if (owners.size() != stated) {
            throw first.problem("its " + parts.size() + " parts have " + owners.size() + " tensors together, but '"
                    + TENSORS_KEY + "' is " + stated + "; copy the parts again");
        }
    }

    /** The model as if it were in one file: its keys, and the tensors of all parts with offsets of their parts. */
    static GgufHeader together(List<GgufPart> parts) {
        GgufHeader first = parts.getFirst().header();
        if (parts.size() == 1) {
            return first;
        }
        Map<String, GgufValue> metadata = new LinkedHashMap<>(first.metadata());
        metadata.keySet().removeAll(keys(0, 0, 0).keySet());
        List<GgufTensor> tensors = new ArrayList<>();
        parts.forEach(part -> tensors.addAll(part.header().tensors()));
        return new GgufHeader(metadata, tensors, first.alignment());
    }

    private static Optional<Long> whole(GgufPart part, String key) {
        return part.header().metadata().get(key) instanceof GgufValue.Whole(var _, long value)
                ? Optional.of(value)
                : Optional.empty();
    }
}
