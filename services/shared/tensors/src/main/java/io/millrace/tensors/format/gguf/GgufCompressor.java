package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.tokenizer.TokenizerKeys;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Turns a dense checkpoint into a GGUF file. */
public final class GgufCompressor {
    private static final int QUANTIZATION_VERSION = 2;

    private GgufCompressor() {}

    /**
     * Decides everything about the file.
     *
     * @param checkpoint the dense model; it must stay open until the plan is written
     */
    public static GgufPlan plan(Checkpoint checkpoint, GgufFileType fileType) throws IOException {
        return plan(checkpoint, GgufOptions.of(fileType));
    }

    /** The same with more say in it. */
    public static GgufPlan plan(Checkpoint checkpoint, GgufOptions options) throws IOException {
        ModelConfig config = checkpoint.config();
        List<PlannedTensor> planned = new ArrayList<>();
        GgufMixture mixture = new GgufMixture(options, outline(checkpoint), false);
        for (TensorRule rule : checkpoint.rules()) {
            GgufMixture.Choice choice = mixture.choose(rule.ggufName());
            planned.add(new PlannedTensor(
                    new GgufTensor(rule.ggufName(), choice.type(), rule.shape(), 0),
                    new PlannedTensor.Stored(rule),
                    choice.note()));
        }
        config.ropeScaling().ifPresent(scaling -> {
            List<Float> factors = RopeFactors.of(config, scaling);
            planned.add(new PlannedTensor(
                    new GgufTensor(RopeFactors.TENSOR, GgufType.F32, Shape.of(factors.size()), 0),
                    new PlannedTensor.Computed(factors),
                    ""));
        });
        planned.sort(Comparator.comparing(
                tensor -> new ModelOutline.Tensor(
                        tensor.target().name(), tensor.target().shape()),
                ModelOutline.ORDER));

        Map<String, GgufValue> metadata = ModelKeys.of(config);
        metadata.putAll(TokenizerKeys.of(checkpoint.folder(), config));
        metadata.put("general.quantization_version", GgufValue.u32(QUANTIZATION_VERSION));
        metadata.put("general.file_type", GgufValue.u32(options.fileType().id()));
        GgufHeader header = GgufHeader.laidOut(
                metadata, planned.stream().map(PlannedTensor::target).toList());
        return new GgufPlan(checkpoint, header, placed(planned, header));
    }

    private static ModelOutline outline(Checkpoint checkpoint) {
        ModelConfig config = checkpoint.config();
        return new ModelOutline(
                config.architecture().ggufName(),
                config.layerCount(),
                config.headCount(),
                config.keyValueHeadCount(),
                0,
                checkpoint.rules().stream()
                        .map(rule -> new ModelOutline.Tensor(rule.ggufName(), rule.shape()))
                        .toList());
    }

    private static List<PlannedTensor> placed(List<PlannedTensor> planned, GgufHeader header) {
        List<PlannedTensor> placed = new ArrayList<>();
        for (int i = 0; i < planned.size(); i++) {
            PlannedTensor tensor = planned.get(i);
            placed.add(new PlannedTensor(header.tensors().get(i), tensor.source(), tensor.note()));
        }
        return placed;
    }
}
