package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Targets and options that do not fit each other, told before any work. */
final class CompressUsageTest extends CompressFixture {
    @Test
    void anUnknownTargetIsAUsageErrorThatListsAllAndNamesTheNearest() {
        Said said = compress("--to", "gguf:q4km");

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err())
                .contains("unknown target 'gguf:q4km', did you mean 'gguf:Q4_K_M'?")
                .contains("W8A16");
        assertThat(compress("--to", "W4A16").err()).contains("did you mean 'compressed-tensors:W4A16'?");
    }

    @Test
    void whatATargetCannotBeIsAUsageError() {
        assertThat(compress("--to", "gguf:Q2_K_S")).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("gguf:Q2_K_S is too coarse without an importance matrix");
        });
        assertThat(compress("--to", "gguf:F16", "--tensor-type", "attn_v=q8_0")).satisfies(said -> {
            assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("F16 files hold all matrices in one type");
        });
        assertThat(compress("--to", "gguf:Q8_0", "--output-tensor-type", "q9").err())
                .contains("unknown tensor type 'Q9'");
        assertThat(compress("--to", "gguf:Q8_0", "--split-max-size", "4T").err())
                .contains("must be a size such as 4G");
        assertThat(compress("--to", "gguf:Q8_0", "--split-max-tensors", "0").err())
                .contains("must be at least 1");
        assertThat(compress("--to", "gguf:Q8_0", "--tensor-type", "attn_v").err())
                .contains("'attn_v' is not PATTERN=TYPE");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gguf:Q8_0                | --bits=4                | --bits is for literature:uniform, which no --to asks for
            literature:binary        | --levels=4              | --levels is for literature:uniform, which no --to asks for
            literature:uniform       | --threshold=0.5         | --threshold is for literature:ternary, which no --to asks for
            gguf:Q8_0                | --input-bits=8          | --input-bits is for literature, which no --to asks for
            gguf:Q8_0                | --ignore=o_proj         | --ignore is for compressed-tensors, which no --to asks for
            onnx:int4                | --module-scheme=q=W8A16 | --module-scheme is for compressed-tensors, which no --to asks for
            compressed-tensors:W8A16 | --pure                  | --pure is for gguf, which no --to asks for
            compressed-tensors:W8A16 | --split-max-tensors=5   | --split-max-tensors is for gguf, which no --to asks for
            onnx:int4                | --split-max-size=4G     | --split-max-size is for gguf or compressed-tensors, which no
            onnx:int4                | --tensor-type=q=Q8_0    | --tensor-type is for gguf, which no --to asks for
            gguf:Q8_0                | --length=64             | --length says how to measure, but there is no --evaluate
            gguf:Q8_0                | --sequences=70          | --sequences says how to measure, but there is no --evaluate
            """)
    void anOptionThatWouldChangeNothingIsAUsageError(String target, String option, String message) {
        Said said = compress("--to=" + target, option);

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains(message).contains("; leave it out");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void anOptionThatOneOfTheTargetsTakesIsTaken() {
        Said said = compress("--to=gguf:Q8_0", "--to=literature:uniform", "--bits=4", "--pure");

        assertThat(said.exitCode()).as(said.err()).isZero();
    }
}
