package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class GgufMixtureTest {
    @Test
    void everyTensorGetsTheTypeThatLlamaCppGivesIt() throws Exception {
        Map<String, ModelOutline> models = MixtureModels.all();
        List<String> differing = new ArrayList<>();

        List<String> lines = table();

        for (String line : lines) {
            String[] parts = line.split(" \\| ");
            ModelOutline model = Objects.requireNonNull(models.get(parts[0]), parts[0]);
            MixtureTable.Wish wish = MixtureTable.Wish.valueOf(parts[2]);
            GgufMixture mixture = new GgufMixture(
                    MixtureTable.options(GgufFileType.valueOf(parts[1]), wish),
                    model,
                    wish == MixtureTable.Wish.IMPORTANCE);
            String found =
                    MixtureTable.line(model, name -> mixture.choose(name).type().name());
            if (!found.equals(parts[3])) {
                differing.add(line + "\n  found " + found);
            }
        }
        assertThat(differing).isEmpty();
        assertThat(lines).hasSizeGreaterThan(20 * models.size());
    }

    private static List<String> table() throws Exception {
        try (InputStream in = GgufMixtureTest.class.getResourceAsStream("mixtures.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }
}
