package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.checkpoint.BareModels;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.DenseWriter;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.literature.LiteratureScheme;
import io.millrace.tensors.format.literature.LiteratureWriter;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is made of a folder whose names lack the prefix of the body has the names that it came with. */
class BareCompressedTest {
    @TempDir
    Path parent;

    private Path whole;
    private Path bare;

    @BeforeEach
    void writeBoth() throws Exception {
        whole = TinyModels.write(parent.resolve("whole"), TinyModels.llama(), DType.BF16, 3);
        bare = BareModels.write(parent.resolve("bare"), whole);
    }

    private Path compress(Path source, String target) throws Exception {
        ModuleSchemes schemes = new ModuleSchemes(
                CompressedScheme.W4A16,
                List.of(new ModuleSchemes.ModuleScheme(
                        Pattern.compile("layers\\.1\\.self_attn\\.o_proj"), CompressedScheme.W8A16)),
                List.of(Pattern.compile("layers\\.0\\.mlp\\.down_proj")));
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CompressedTensorsWriter.plan(checkpoint, schemes, DenseWriter.SHARD_BYTES)
                    .write(parent.resolve(target), 1, Progress.NONE);
        }
        return parent.resolve(target);
    }

    @Test
    void theBytesAreThoseOfTheSameModelWithThePrefix() throws Exception {
        requireSameBut(compress(whole, "small whole"), compress(bare, "small bare"));
    }

    @Test
    void denseValuesAndCodesOfTheLiteratureToo() throws Exception {
        LiteratureScheme scheme = new LiteratureScheme(new LiteratureScheme.Binary(), Optional.empty());
        for (Path source : List.of(whole, bare)) {
            try (Checkpoint checkpoint = Checkpoint.open(source)) {
                new LiteratureWriter(checkpoint, scheme).write(source.resolve("out"), 1, Progress.NONE);
            }
        }

        requireSameBut(whole.resolve("out"), bare.resolve("out"));
        requireSameBut(whole.resolve("out/codes"), bare.resolve("out/codes"));
    }

    private static void requireSameBut(Path expected, Path found) throws Exception {
        try (SafetensorsFolder with = SafetensorsFolder.open(expected);
                SafetensorsFolder without = SafetensorsFolder.open(found)) {
            assertThat(without.tensors()).hasSameSizeAs(with.tensors());
            for (TensorSpec tensor : with.tensors()) {
                long rows = tensor.shape().rows();
                assertThat(without.rows(BareModels.name(tensor.name()), 0, rows)
                                .mismatch(with.rows(tensor.name(), 0, rows)))
                        .as(tensor.name())
                        .isEqualTo(-1);
            }
        }
    }

    /** transformers' AutoModel names modules as the folder does; engines that add a head put the prefix before. */
    @Test
    void whatStaysDenseIsIgnoredUnderBothNames() throws Exception {
        ObjectNode config = StrictJson.readFile(compress(bare, "small").resolve("config.json"), 1 << 20);

        ModuleNames ignore = new ModuleNames(config.path(QuantizationConfig.KEY)
                .path("ignore")
                .valueStream()
                .map(entry -> entry.asText())
                .toList());

        assertThat(ignore.matches("layers.0.mlp.down_proj")).isTrue();
        assertThat(ignore.matches("model.layers.0.mlp.down_proj")).isTrue();
        assertThat(ignore.matches("layers.1.mlp.down_proj")).isFalse();
        assertThat(config.path("architectures").path(0).asText()).isEqualTo("LlamaModel");
    }

    @Test
    void itIsReadBackAlsoWithTheNamesThatOtherToolsGive() throws Exception {
        Path target = compress(bare, "small");
        requireReadable(target);
        for (String module : List.of("layers.0.mlp.down_proj", "model.layers.0.mlp.down_proj")) {
            ObjectNode config = StrictJson.readFile(target.resolve("config.json"), 1 << 20);
            ((ObjectNode) config.path(QuantizationConfig.KEY))
                    .putArray("ignore")
                    .add("lm_head")
                    .add(module);
            Files.write(target.resolve("config.json"), StrictJson.print(config).getBytes(StandardCharsets.UTF_8));
            requireReadable(target);
        }
    }

    private void requireReadable(Path target) throws Exception {
        try (Checkpoint original = Checkpoint.open(whole);
                CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
            for (TensorSpec tensor : original.tensors()) {
                float[] before = new float[Math.toIntExact(tensor.shape().elements())];
                float[] after = new float[before.length];
                original.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(before));
                reader.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(after));
                for (int i = 0; i < before.length; i++) {
                    assertThat(Math.abs(after[i] - before[i])).as(tensor.name()).isLessThan(0.02f);
                }
            }
        }
    }
}
