package io.millrace.tensors.format.gguf;

import io.millrace.tensors.MalformedFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The name of one file of a model in several, as llama.cpp demands it: {@code NAME-00001-of-00003.gguf}.
 *
 * @param stem what all parts begin with
 * @param number from 1
 */
public record GgufPartName(String stem, int number, int count) {
    /** What every name of a GGUF file ends with. */
    public static final String ENDING = ".gguf";

    /** {@code split.count} is a U16. */
    static final int MOST_PARTS = 0xffff;

    private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

    /** The parts of the name; empty if the file is not named as one of several. */
    public static Optional<GgufPartName> parse(String fileName) {
        Matcher matcher = NAME.matcher(fileName);
        return matcher.matches()
                ? Optional.of(new GgufPartName(
                        matcher.group(1), Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3))))
                : Optional.empty();
    }

    /** The names of the parts that a file of this name is split into. */
    static GgufPartName first(String fileName, int count) {
        String stem = fileName.endsWith(ENDING) ? fileName.substring(0, fileName.length() - ENDING.length()) : fileName;
        return new GgufPartName(stem, 1, count);
    }

    GgufPartName withNumber(int other) {
        return new GgufPartName(stem, other, count);
    }

    /**
     * The file that a model is opened by: the only one, or the first part of one in several; empty if these are files of
     * several models.
     *
     * @param files of one folder, at least one
     * @throws MalformedFileException if the first part is not there
     */
    public static Optional<Path> modelIn(List<Path> files) throws MalformedFileException {
        Optional<GgufPartName> name = parse(String.valueOf(files.getFirst().getFileName()));
        if (name.isEmpty()) {
            return files.size() == 1 ? Optional.of(files.getFirst()) : Optional.empty();
        }
        GgufPartName first = name.get().withNumber(1);
        for (Path file : files) {
            if (!parse(String.valueOf(file.getFileName()))
                    .map(part -> part.withNumber(1))
                    .equals(Optional.of(first))) {
                return Optional.empty();
            }
        }
        Path firstFile = files.getFirst().resolveSibling(first.toString());
        if (!files.contains(firstFile)) {
            throw missing(files.getFirst(), first);
        }
        return Optional.of(firstFile);
    }

    static MalformedFileException missing(Path sibling, GgufPartName part) {
        return new MalformedFileException(
                sibling,
                -1,
                "'" + part + "' is missing beside it; copy all " + part.count()
                        + " parts of the model into one folder");
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s-%05d-of-%05d%s", stem, number, count, ENDING);
    }
}
