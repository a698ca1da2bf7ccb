package io.millrace.cli.local;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class StageServicesTest {
    @Test
    void theLauncherStartsAQuantizerWithTheSameFlagsAsALocalMillrace() throws Exception {
        List<String> launcher = Files.readAllLines(Path.of("../../millrace")).stream()
                .filter(line -> !line.strip().startsWith("#"))
                .flatMap(line -> Stream.of(line.split("[\\s\"]+")))
                .toList();

        assertThat(launcher).containsAll(StageServices.QUANTIZER_FLAGS);
    }
}
