package io.millrace.tensors.format.compressed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Progress;
import io.millrace.tensors.TensorReport;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.Architecture;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.TinyModels;
import io.millrace.tensors.format.safetensors.SafetensorsReader;
import io.millrace.tensors.inspection.ModelFormats;
import io.millrace.tensors.json.StrictJson;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each architecture as compressed-tensors and back: every linear module packed but head and routers. */
class EveryArchitectureCompressedTest {
    @TempDir
    Path parent;

    private static final List<CompressedScheme> SCHEMES = List.of(
            CompressedScheme.W8A16,
            CompressedScheme.W4A16_ASYM_CHANNEL,
            CompressedScheme.W8A8,
            CompressedScheme.FP8_BLOCK,
            CompressedScheme.MXFP4,
            CompressedScheme.NVFP4A16);

    static Stream<Arguments> everyArchitectureInSomeScheme() {
        return Architecture.known().stream()
                .flatMap(one -> SCHEMES.stream().map(scheme -> Arguments.of(one.className(), scheme)));
    }

    @ParameterizedTest
    @MethodSource("everyArchitectureInSomeScheme")
    void linearModulesArePackedAndTheRestIsNamedOrDense(String className, CompressedScheme scheme) throws Exception {
        ObjectNode config = TinyModels.of(className);
        Path source = TinyModels.write(parent.resolve("source"), config, DType.BF16, 7);
        Path target = parent.resolve("target");

        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            List<TensorReport> reports =
                    CompressedTensorsWriter.plan(checkpoint, scheme).write(target, 1, Progress.NONE);

            List<String> ignored = new ArrayList<>();
            for (JsonNode module : StrictJson.readFile(target.resolve("config.json"), 1 << 20)
                    .path(QuantizationConfig.KEY)
                    .path("ignore")) {
                ignored.add(module.asText());
            }
            assertThat(ignored).endsWith("lm_head");
            try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
                for (TensorRule rule : checkpoint.rules()) {
                    boolean linear = rule.role() instanceof TensorRole.Linear;
                    boolean router = rule.role() instanceof TensorRole.Router;
                    assertThat(ignored.contains(rule.module())).as(rule.name()).isEqualTo(router || isHead(rule));
                    float[] before = new float[Math.toIntExact(rule.shape().elements())];
                    float[] after = new float[before.length];
                    checkpoint.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(before));
                    reader.read(rule.name(), 0, rule.shape().rows(), MemorySegment.ofArray(after));
                    if (linear) {
                        assertThat(relativeError(before, after))
                                .as(rule.name())
                                .isBetween(1e-9, scheme.bits() == 4 ? 0.03 : 0.002);
                    } else {
                        assertThat(after).as(rule.name()).isEqualTo(before);
                    }
                }
            }
            assertThat(reports).hasSize(checkpoint.rules().size());
        }
    }

    /** Whatever a module's neighbours get, its own bytes are those of a folder that has its scheme everywhere. */
    @ParameterizedTest
    @MethodSource("architectures")
    void modulesOfSeveralSchemesAreReadBackAsIfTheyWereAlone(String className) throws Exception {
        ObjectNode config = TinyModels.of(className);
        Path source = TinyModels.write(parent.resolve("source"), config, DType.BF16, 7);
        ModuleSchemes mixed = new ModuleSchemes(
                CompressedScheme.W4A16,
                List.of(
                        new ModuleSchemes.ModuleScheme(
                                Pattern.compile("layers\\.1\\.self_attn\\.o_proj"), CompressedScheme.W8A16),
                        new ModuleSchemes.ModuleScheme(
                                Pattern.compile("(q|k|v|qkv)_proj"), CompressedScheme.FP8_DYNAMIC),
                        new ModuleSchemes.ModuleScheme(
                                Pattern.compile("experts|mlp\\.down_proj"), CompressedScheme.W8A8)),
                List.of(Pattern.compile("layers\\.0\\.self_attn\\.o_proj")));

        Map<CompressedScheme, Path> alone = new EnumMap<>(CompressedScheme.class);
        Path target = parent.resolve("target");
        Map<String, String> types = new HashMap<>();
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            for (TensorReport report :
                    CompressedTensorsWriter.plan(checkpoint, mixed, 1 << 20).write(target, 1, Progress.NONE)) {
                types.put(report.name(), report.type());
            }
            for (CompressedScheme scheme : List.of(
                    CompressedScheme.W4A16,
                    CompressedScheme.W8A16,
                    CompressedScheme.FP8_DYNAMIC,
                    CompressedScheme.W8A8)) {
                alone.put(scheme, parent.resolve(scheme.name()));
                CompressedTensorsWriter.plan(checkpoint, scheme).write(alone.get(scheme), 1, Progress.NONE);
            }
        }

        assertThat(types)
                .containsEntry("model.layers.0.self_attn.o_proj.weight", "BF16")
                .containsEntry("model.layers.1.self_attn.o_proj.weight", "W8A16");
        try (CompressedTensorsReader reader = CompressedTensorsReader.open(target)) {
            for (TensorSpec tensor : reader.tensors()) {
                String type = Objects.requireNonNull(types.get(tensor.name()));
                float[] expected = type.equals("BF16")
                        ? floats(source, tensor)
                        : floats(Objects.requireNonNull(alone.get(CompressedScheme.valueOf(type))), tensor);
                float[] found = new float[expected.length];
                reader.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(found));
                assertThat(found).as(tensor.name()).isEqualTo(expected);
            }
        }
    }

    private static float[] floats(Path model, TensorSpec tensor) throws Exception {
        try (WeightSource weights = ModelFormats.open(model)) {
            float[] floats = new float[Math.toIntExact(tensor.shape().elements())];
            weights.read(tensor.name(), 0, tensor.shape().rows(), MemorySegment.ofArray(floats));
            return floats;
        }
    }

    static Stream<String> architectures() {
        return Architecture.known().stream().map(Architecture::className);
    }

    /** Consumers stack their matrices, and have one global scale for the stack. */
    @ParameterizedTest
    @MethodSource("architectures")
    void modulesThatConsumersMergeShareTheirGlobalScale(String className) throws Exception {
        ObjectNode config = TinyModels.of(className);
        Path source = TinyModels.write(parent.resolve("source"), config, DType.F32, 7);
        Path target = parent.resolve("target");
        try (Checkpoint checkpoint = Checkpoint.open(source)) {
            CompressedTensorsWriter.plan(checkpoint, CompressedScheme.NVFP4A16).write(target, 1, Progress.NONE);
        }

        Map<String, Set<Float>> scalesOfMerged = new HashMap<>();
        Set<Float> all = new HashSet<>();
        int modules = 0;
        try (SafetensorsReader reader = SafetensorsReader.open(target.resolve("model.safetensors"))) {
            for (TensorSpec tensor : reader.tensors()) {
                if (tensor.name().endsWith(QuantizationConfig.WEIGHT_GLOBAL_SCALE)) {
                    float scale = reader.rows(tensor.name(), 0, 1).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0);
                    String merged = tensor.name()
                            .replaceAll("[qkv]_proj", "qkv_proj")
                            .replaceAll("gate_proj|up_proj", "gate_up_proj")
                            .replaceAll("w1|w3", "w13");
                    scalesOfMerged.computeIfAbsent(merged, _ -> new HashSet<>()).add(scale);
                    all.add(scale);
                    modules++;
                }
            }
        }
        assertThat(scalesOfMerged.values())
                .allSatisfy(scales -> assertThat(scales).hasSize(1));
        assertThat(all).hasSize(scalesOfMerged.size()).hasSizeLessThanOrEqualTo(modules);
    }

    private static boolean isHead(TensorRule rule) {
        return rule.role() instanceof TensorRole.OutputHead;
    }

    private static double relativeError(float[] before, float[] after) {
        double error = 0;
        double size = 0;
        for (int i = 0; i < before.length; i++) {
            error += (before[i] - after[i]) * (before[i] - after[i]);
            size += before[i] * before[i];
        }
        return error / size;
    }
}
