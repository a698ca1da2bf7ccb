package io.millrace.tensors.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.GgufType;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
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

    @Test
    void twoBitsWithoutImportanceAreRefused() {
        ModelOutline model = Objects.requireNonNull(MixtureModels.all().get("llama-tied"));

        assertThatThrownBy(() -> new GgufMixture(GgufOptions.of(GgufFileType.Q2_K_S), model, false))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("Q2_K_S is too coarse without an importance matrix; give one, or choose a larger type");
    }

    @Test
    void typesOfSingleTensorsAreRefusedInAFileWithoutBlocks() {
        GgufOptions options = GgufOptions.of(GgufFileType.F16);
        List<GgufOptions.TensorType> wanted =
                List.of(new GgufOptions.TensorType(Pattern.compile("attn_v"), GgufType.Q8_0));

        assertThatThrownBy(() -> options.withOverrides(wanted))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("F16 files hold all matrices in one type, but 1 tensors' types are given;"
                        + " choose a file type of blocks");
    }

    @Test
    void normsAndRoutersStayInF32() {
        ModelOutline model = Objects.requireNonNull(MixtureModels.all().get("llama-8-experts"));
        GgufMixture mixture =
                new GgufMixture(GgufOptions.of(GgufFileType.Q4_K_M).withPure(), model, false);

        assertThat(mixture.choose("blk.3.ffn_gate_inp.weight").type()).isEqualTo(GgufType.F32);
        assertThat(mixture.choose("blk.3.attn_norm.weight").type()).isEqualTo(GgufType.F32);
        assertThat(mixture.choose("blk.3.ffn_down_exps.weight").type()).isEqualTo(GgufType.Q4_K);
    }

    /** Otherwise a file of 8 bits a weight passes for one of 4. */
    @Test
    void expertsTypeOfAModelWithoutExpertsIsNamedAsAFallBack() {
        GgufMixture without = mixture(GgufFileType.MXFP4_MOE, "llama-rows-256-80");
        GgufMixture with = mixture(GgufFileType.MXFP4_MOE, "qwen3moe-16-experts");
        String none = "the model has no experts, the only tensors that such a file holds in MXFP4: Q8_0 instead";

        assertThat(without.choose("blk.0.attn_q.weight")).isEqualTo(new GgufMixture.Choice(GgufType.Q8_0, none));
        assertThat(without.choose("blk.0.ffn_down.weight"))
                .isEqualTo(new GgufMixture.Choice(
                        GgufType.F16, none + "; rows of 80 are not whole blocks of Q8_0 (32): F16 instead"));
        assertThat(without.choose("blk.0.attn_norm.weight")).isEqualTo(new GgufMixture.Choice(GgufType.F32, ""));
        assertThat(with.choose("blk.0.attn_q.weight")).isEqualTo(new GgufMixture.Choice(GgufType.Q8_0, ""));
        assertThat(with.choose("blk.0.ffn_up_exps.weight")).isEqualTo(new GgufMixture.Choice(GgufType.MXFP4, ""));
    }

    @Test
    void aHeadWhoseRowsAreNoWholeBlocksIsNamedAsAFallBack() {
        for (GgufFileType type : List.of(GgufFileType.Q4_K_M, GgufFileType.Q4_0, GgufFileType.Q6_K)) {
            assertThat(mixture(type, "llama-rows-320-352").choose("output.weight"))
                    .isEqualTo(new GgufMixture.Choice(
                            GgufType.Q8_0, "rows of 320 are not whole blocks of Q6_K (256): Q8_0 instead"));
            assertThat(mixture(type, "llama-rows-64-172").choose("token_embd.weight"))
                    .isEqualTo(new GgufMixture.Choice(
                            GgufType.Q8_0, "rows of 64 are not whole blocks of Q6_K (256): Q8_0 instead"));
        }
    }

    /** As llama.cpp's quantizer decides: the type of the head counts for an embedding that serves as head if nothing names it. */
    @Test
    void aPatternThatNamesTheEmbeddingCountsBeforeTheTypeOfTheHeadThatItServesAs() {
        ModelOutline model = Objects.requireNonNull(MixtureModels.all().get("llama-tied"));
        GgufOptions head = GgufOptions.of(GgufFileType.Q4_K_M).withOutput(GgufType.Q5_0);
        GgufOptions both =
                head.withOverrides(List.of(new GgufOptions.TensorType(Pattern.compile("embd|output"), GgufType.Q4_0)));

        assertThat(new GgufMixture(head, model, false)
                        .choose("token_embd.weight")
                        .type())
                .isEqualTo(GgufType.Q5_0);
        assertThat(new GgufMixture(both, model, false)
                        .choose("token_embd.weight")
                        .type())
                .isEqualTo(GgufType.Q4_0);
        ModelOutline untied = Objects.requireNonNull(MixtureModels.all().get("llama-8-experts"));
        assertThat(new GgufMixture(both, untied, false).choose("output.weight").type())
                .isEqualTo(GgufType.Q5_0);
    }

    private static GgufMixture mixture(GgufFileType type, String model) {
        return new GgufMixture(
                GgufOptions.of(type), Objects.requireNonNull(MixtureModels.all().get(model)), false);
    }

    private static List<String> table() throws Exception {
        try (InputStream in = GgufMixtureTest.class.getResourceAsStream("mixtures.txt")) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
        }
    }
}
