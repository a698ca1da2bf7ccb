package io.millrace.tensors.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseCopy;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.compressed.CompressedScheme;
import io.millrace.tensors.format.compressed.CompressedTensorsWriter;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RotarySpellingTest {
    private static final List<String> OLDER =
            List.of("rope_theta", "rope_scaling", "rope_local_base_freq", "partial_rotary_factor");

    /** What transformers 5.24 writes, and the keys that transformers 4.57 writes for the same model. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "LlamaForCausalLM | {'rope_theta': 5e5, 'rope_type': 'default'} | {'rope_theta': 5e5}",
                "LlamaForCausalLM | {'factor': 8.0, 'high_freq_factor': 4.0, 'low_freq_factor': 1.0,"
                        + " 'original_max_position_embeddings': 16, 'rope_theta': 5e5, 'rope_type': 'llama3'}"
                        + " | {'rope_theta': 5e5, 'rope_scaling': {'factor': 8.0, 'high_freq_factor': 4.0,"
                        + " 'low_freq_factor': 1.0, 'original_max_position_embeddings': 16, 'rope_type': 'llama3',"
                        + " 'type': 'llama3'}}",
                "Qwen2ForCausalLM | {'factor': 4.0, 'original_max_position_embeddings': 16, 'rope_theta': 1e6,"
                        + " 'type': 'yarn'} | {'rope_theta': 1e6, 'rope_scaling': {'factor': 4.0,"
                        + " 'original_max_position_embeddings': 16, 'rope_type': 'yarn', 'type': 'yarn'}}",
                "Phi3ForCausalLM | {'long_factor': [1, 2, 3, 4, 5, 6, 7, 8], 'original_max_position_embeddings': 32,"
                        + " 'partial_rotary_factor': 0.5, 'rope_theta': 1e4, 'rope_type': 'longrope',"
                        + " 'short_factor': [1, 1, 1, 1, 1, 1, 1, 1]} | {'rope_theta': 1e4,"
                        + " 'partial_rotary_factor': 0.5, 'rope_scaling': {'type': 'longrope',"
                        + " 'long_factor': [1, 2, 3, 4, 5, 6, 7, 8], 'short_factor': [1, 1, 1, 1, 1, 1, 1, 1]}}",
                "Gemma3ForCausalLM | {'full_attention': {'factor': 8.0, 'rope_theta': 1e6, 'rope_type': 'linear'},"
                        + " 'sliding_attention': {'rope_theta': 2e4, 'rope_type': 'default'}} | {'rope_theta': 1e6,"
                        + " 'rope_scaling': {'factor': 8.0, 'rope_type': 'linear', 'type': 'linear'},"
                        + " 'rope_local_base_freq': 2e4}",
            })
    void theOlderKeysSayWhatTheNewerOneSays(String className, String parameters, String older) throws IOException {
        ObjectNode config = TinyModels.of(className);
        config.remove(OLDER);
        config.set("rope_parameters", json(parameters));

        ObjectNode both = RotarySpelling.withOlder(config);

        ObjectNode added = both.deepCopy();
        config.fieldNames().forEachRemaining(added::remove);
        assertThat(added).isEqualTo(json(older));
        ObjectNode alone = both.deepCopy();
        alone.remove("rope_parameters");
        assertThat(attention(both)).isEqualTo(attention(config)).isEqualTo(attention(alone));
        assertThat(text(RotarySpelling.withOlder(both))).isEqualTo(text(both));
    }

    private static List<LayerAttention> attention(ObjectNode config) throws IOException {
        return ModelConfig.of(config, "config.json").attention();
    }

    @Test
    void aConfigOfTransformers4StaysAsItIs() throws IOException {
        for (ObjectNode config : TinyModels.each()) {
            assertThat(text(RotarySpelling.withOlder(config))).isEqualTo(text(config));
        }
    }

    @Test
    void nullIsReplacedInItsPlace() throws IOException {
        ObjectNode config = json("{'rope_scaling': null, 'rope_theta': null, 'rope_parameters': {'rope_theta': 5.0,"
                + " 'rope_type': 'linear', 'factor': 2}, 'z': 1}");

        ObjectNode both = RotarySpelling.withOlder(config);

        assertThat(both.fieldNames())
                .toIterable()
                .containsExactly("rope_scaling", "rope_theta", "rope_parameters", "z");
        assertThat(both.path("rope_scaling").path("factor").asInt()).isEqualTo(2);
        assertThat(both.path("rope_theta").asDouble()).isEqualTo(5);
    }

    /** Somebody set the older key, as recipes for long texts say: transformers 5 takes it, llama.cpp's converter not. */
    @Test
    void theNewerObjectFollowsAnOlderOneThatCounts() throws IOException {
        ObjectNode config = TinyModels.llama();
        config.set("rope_parameters", json("{'rope_theta': 1e4, 'rope_type': 'default'}"));
        config.set("rope_scaling", json("{'type': 'yarn', 'factor': 4.0}"));

        ObjectNode both = RotarySpelling.withOlder(config);

        assertThat(both.get("rope_scaling")).isEqualTo(config.get("rope_scaling"));
        assertThat(both.get("rope_parameters"))
                .isEqualTo(json("{'rope_theta': 1e4, 'rope_type': 'yarn', 'type': 'yarn', 'factor': 4.0}"));
        assertThat(attention(both)).isEqualTo(attention(config));
    }

    @Test
    void theTextModelOfAMultimodalOneIsSpelledToo() throws IOException {
        ObjectNode config = json("{'text_config': {'rope_parameters': {'full_attention': {'rope_theta': 5.0},"
                + " 'sliding_attention': null}}}");

        assertThat(RotarySpelling.withOlder(config)
                        .path("text_config")
                        .path("rope_theta")
                        .asDouble())
                .isEqualTo(5);
    }

    @Test
    void whatStagesWriteHasBothSpellings(@TempDir Path folder) throws Exception {
        ObjectNode config = TinyModels.llama();
        config.remove("rope_theta");
        config.set("rope_parameters", json("{'rope_theta': 5e5, 'rope_type': 'default'}"));
        Path source = TinyModels.write(folder.resolve("source"), config, DType.F32, 1);
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            try (DenseWriter pruned =
                    DenseWriter.derived(folder.resolve("pruned"), checkpoint, config, checkpoint.tensors(), "prune")) {
                for (var tensor : checkpoint.tensors()) {
                    pruned.append(checkpoint
                            .reader()
                            .rows(tensor.name(), 0, tensor.shape().rows()));
                }
                pruned.finish();
            }
            CompressedTensorsWriter.plan(checkpoint, CompressedScheme.FP8_DYNAMIC)
                    .write(folder.resolve("compressed"), 1, Progress.NONE);
            new DenseCopy(checkpoint, "source", DType.F32)
                    .write(folder.resolve("dense"), config, Optional.empty(), Progress.NONE);
        }

        assertThat(stored(source).has("rope_theta")).isFalse();
        for (String written : List.of("pruned", "compressed", "dense")) {
            assertThat(stored(folder.resolve(written)).path("rope_theta").asDouble())
                    .isEqualTo(5e5);
        }
    }

    private static ObjectNode stored(Path folder) throws IOException {
        return StrictJson.readFile(folder.resolve("config.json"), 1 << 16);
    }

    private static String text(ObjectNode config) {
        return StrictJson.print(config);
    }

    private static ObjectNode json(String text) throws IOException {
        return StrictJson.parse(ByteBuffer.wrap(text.replace('\'', '"').getBytes(StandardCharsets.UTF_8)), "text", 0);
    }
}
