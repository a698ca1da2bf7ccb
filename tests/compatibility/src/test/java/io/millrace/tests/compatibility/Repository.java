package io.millrace.tests.compatibility;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The repository's own files. Maven runs the tests of a module in its folder. */
final class Repository {
    static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
    static final Path SCHEMAS = ROOT.resolve("schemas");

    private Repository() {}

    static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files below these folders with this ending, sorted; build output left out. */
    static List<Path> files(String ending, Path... folders) {
        return Stream.of(folders)
                .filter(Files::isDirectory)
                .flatMap(Repository::walk)
                .filter(path -> path.toString().endsWith(ending))
                .filter(path -> !path.toString().contains("/target/"))
                .sorted()
                .toList();
    }

    private static Stream<Path> walk(Path folder) {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.toList().stream();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
