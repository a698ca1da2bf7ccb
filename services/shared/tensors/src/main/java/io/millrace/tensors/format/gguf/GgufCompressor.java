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
        ModelConfig config = checkpoint.config();
        List<PlannedTensor> planned = new ArrayList<>();
        GgufMixture mixture = new GgufMixture(fileType, config);
        for (List<TensorRule> parts : GgufStacks.of(checkpoint.rules())) {
            TensorRule rule = parts.getFirst();
            GgufMixture.Choice choice = mixture.choose(rule);
            planned.add(new PlannedTensor(
                    new GgufTensor(rule.ggufName(), choice.type(), GgufStacks.shape(parts), 0),
                    rule.expert().isPresent() ? new PlannedTensor.Stacked(parts) : new PlannedTensor.Stored(rule),
                    choice.note()));
        }
        RopeFactors.of(config)
                .forEach((name, factors) -> planned.add(new PlannedTensor(
                        new GgufTensor(name, GgufType.F32, Shape.of(factors.size()), 0),
                        new PlannedTensor.Computed(factors),
                        "")));
        planned.sort(Comparator.comparingInt((PlannedTensor tensor) -> layer(tensor))
                .thenComparing(tensor -> tensor.target().name()));

        Map<String, GgufValue> metadata = ModelKeys.of(config);
        metadata.putAll(TokenizerKeys.of(checkpoint.folder(), config));
        metadata.put("general.quantization_version", GgufValue.u32(QUANTIZATION_VERSION));
        metadata.put("general.file_type", GgufValue.u32(fileType.id()));
        GgufHeader header = GgufHeader.laidOut(
                metadata, planned.stream().map(PlannedTensor::target).toList());
        return new GgufPlan(checkpoint, header, placed(planned, header));
    }

    private static List<PlannedTensor> placed(List<PlannedTensor> planned, GgufHeader header) {
        List<PlannedTensor> placed = new ArrayList<>();
        for (int i = 0; i < planned.size(); i++) {
            PlannedTensor tensor = planned.get(i);
            placed.add(new PlannedTensor(header.tensors().get(i), tensor.source(), tensor.note()));
        }
        return placed;
    }

    /** llama.cpp writes tensors by layer, those of no layer first. */
    private static int layer(PlannedTensor tensor) {
        return switch (tensor.source()) {
            case PlannedTensor.Stored(TensorRule rule) -> rule.layer().orElse(-1);
            case PlannedTensor.Stacked(List<TensorRule> parts) ->
                parts.getFirst().layer().orElse(-1);
            case PlannedTensor.Computed _ -> -1;
        };
    }
}
