package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.millrace.tensors.TensorReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real model whose rows of 64 and 172 no K type can hold: which tensors llama.cpp gives which type is known. */
class Stories260KTest {
    private static final Path MODEL = modelFolder();

    @TempDir
    Path parent;

    @BeforeAll
    static void requireTheModel() {
        boolean there = Files.isDirectory(MODEL);
        if (!there) {
            System.out.println("skipped: no model at " + MODEL);
        }
        assumeTrue(there, "no model at " + MODEL);
    }

    @Test
    void q4KmFallsBackAsLlamaCppDoes() throws Exception {
        List<TensorReport> reports = GgufModels.write(MODEL, GgufFileType.Q4_K_M, parent.resolve("m.gguf"), 1);

        Map<String, List<String>> byType = byType(reports);
        assertThat(byType.get("Q8_0"))
                .containsExactlyInAnyOrder(
                        "model.embed_tokens.weight",
                        "model.layers.2.self_attn.v_proj.weight",
                        "model.layers.4.self_attn.v_proj.weight");
        assertThat(byType.get("F16")).hasSize(5).allMatch(name -> name.endsWith("down_proj.weight"));
        assertThat(byType.get("Q5_0")).hasSize(28);
        assertThat(byType.get("F32")).hasSize(11).allMatch(name -> name.contains("norm"));
        assertThat(reports)
                .filteredOn(report -> report.type().equals("Q5_0"))
                .allMatch(
                        report -> report.note().equals("rows of 64 are not whole blocks of Q4_K (256): Q5_0 instead"));
    }

    @Test
    void q8KeepsRowsOf172InF16() throws Exception {
        Map<String, List<String>> byType =
                byType(GgufModels.write(MODEL, GgufFileType.Q8_0, parent.resolve("m.gguf"), 1));

        assertThat(byType.get("F16")).hasSize(5).allMatch(name -> name.endsWith("down_proj.weight"));
        assertThat(byType.get("Q8_0")).hasSize(31);
    }

    private static Map<String, List<String>> byType(List<TensorReport> reports) {
        return reports.stream()
                .collect(Collectors.groupingBy(
                        TensorReport::type, Collectors.mapping(TensorReport::name, Collectors.toList())));
    }

    /** Beside the repository, wherever the build runs. */
    private static Path modelFolder() {
        Path here = Path.of("").toAbsolutePath();
        Function<Path, Path> beside = root -> root.resolveSibling("shared").resolve("models/stories260K");
        for (Path root = here; root.getParent() != null; root = root.getParent()) {
            if (Files.isDirectory(beside.apply(root))) {
                return beside.apply(root);
            }
        }
        return beside.apply(here);
    }
}
