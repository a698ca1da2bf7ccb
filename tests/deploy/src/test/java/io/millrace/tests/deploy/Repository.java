package io.millrace.tests.deploy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The files that are tried here. Maven runs the tests of a module in its folder. */
final class Repository {
    static final Path ROOT = Path.of("../..").toAbsolutePath().normalize();
    static final Path DEPLOY = ROOT.resolve("deploy");
    static final Path RULES = DEPLOY.resolve("prometheus/rules/millrace.yml");
    static final Path RUNBOOKS = DEPLOY.resolve("runbooks");

    private Repository() {}

    static JsonNode json(Path file) {
        return read(new ObjectMapper(), file);
    }

    static JsonNode yaml(Path file) {
        return read(new YAMLMapper(), file);
    }

    /** Files of a folder with this ending, sorted. */
    static List<Path> files(Path folder, String ending) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Files below a folder with this ending, sorted. */
    static List<Path> filesBelow(Path folder, String ending) {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(file -> file.toString().endsWith(ending))
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static JsonNode read(ObjectMapper mapper, Path file) {
        try {
            return mapper.readTree(Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(ROOT.relativize(file) + ": " + e.getMessage(), e);
        }
    }
}
