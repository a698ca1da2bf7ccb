package io.millrace.tensors.format.gguf;

import io.millrace.tensors.GgufType;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.MalformedFileException.Kind;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.Experts;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.NamePatterns;
import io.millrace.tensors.architecture.RopeScaling;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.architecture.Trait;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.format.gguf.tokenizer.TokenizerKeys;
import io.millrace.tensors.kernel.gguf.BlockQuantizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Turns a dense checkpoint into a GGUF model. */
public final class GgufCompressor {
    private static final int QUANTIZATION_VERSION = 2;

    private GgufCompressor() {}

    /**
     * Decides everything about the file.
     *
     * @param checkpoint the dense model; it must stay open until the plan is written
     */
    public static GgufPlan plan(Checkpoint checkpoint, GgufFileType fileType) throws IOException {
        return plan(checkpoint, GgufOptions.of(fileType), Optional.empty());
    }

    /**
     * The same with more say in it.
     *
     * @param importances how strongly the model's columns are used, to weigh errors by; tensors that it does not know are
     *     quantized without, or refused where the file type is too coarse for that
     */
    public static GgufPlan plan(Checkpoint checkpoint, GgufOptions options, Optional<ImportanceMatrix> importances)
            throws IOException {
        ModelConfig config = checkpoint.config();
        requireHeads(config);
        requireScaling(config);
        List<PlannedTensor> planned = new ArrayList<>();
        List<List<TensorRule>> stacks = GgufStacks.of(checkpoint.rules());
        ModelOutline outline = outline(config, stacks);
        requireFound(options, outline, config);
        GgufMixture mixture = new GgufMixture(options, outline, importances.isPresent());
        for (List<TensorRule> parts : stacks) {
            TensorRule rule = parts.getFirst();
            GgufMixture.Choice choice = mixture.choose(rule.ggufName());
            if (importances.isPresent() && mixture.needsImportance(rule.ggufName())) {
                importances.get().requireKnown(rule.ggufName(), options.fileType());
            }
            planned.add(planned(
                    new GgufTensor(rule.ggufName(), choice.type(), GgufStacks.shape(parts), 0),
                    rule.expert().isPresent() ? new PlannedTensor.Stacked(parts) : new PlannedTensor.Stored(rule),
                    choice.note(),
                    importances));
        }
        if (importances.isPresent()) {
            importances
                    .get()
                    .requireOf(
                            planned.stream()
                                    .map(tensor -> tensor.target().name())
                                    .toList(),
                            config.layerCount());
        }
        RopeFactors.of(config)
                .forEach((name, factors) -> planned.add(new PlannedTensor(
                        new GgufTensor(name, GgufType.F32, Shape.of(factors.size()), 0),
                        new PlannedTensor.Computed(factors),
                        Optional.empty(),
                        false,
                        "")));
        planned.sort(Comparator.comparing(
                tensor -> new ModelOutline.Tensor(
                        tensor.target().name(), tensor.target().shape()),
                ModelOutline.ORDER));

        Map<String, GgufValue> metadata = ModelKeys.of(config);
        TokenizerKeys.Written tokenizer = TokenizerKeys.of(checkpoint.folder(), config);
        metadata.putAll(tokenizer.keys());
        GeneralName.settle(metadata);
        List<String> lost = Stream.of(LostWindow.of(config), tokenizer.lost().in(metadata))
                .flatMap(Optional::stream)
                .toList();
        metadata.put("general.quantization_version", GgufValue.u32(QUANTIZATION_VERSION));
        metadata.put("general.file_type", GgufValue.u32(options.fileType().id()));
        importances.ifPresent(matrix -> metadata.putAll(matrix.metadata()));
        return GgufPlan.of(checkpoint, metadata, planned, options.split(), lost);
    }

    private static void requireHeads(ModelConfig config) throws MalformedFileException {
        if (config.architecture().has(Trait.HEADS_FILL_HIDDEN_IN_GGUF)
                && Math.multiplyFull(config.headCount(), config.headSize()) != config.hiddenSize()) {
            throw new MalformedFileException(
                    Kind.UNSUPPORTED,
                    "config.json",
                    config.headCount() + " heads of " + config.headSize() + ", but the hidden size is "
                            + config.hiddenSize() + ": llama.cpp opens no such model of "
                            + config.architecture().className() + "; choose compressed-tensors or onnx");
        }
    }

    private static void requireScaling(ModelConfig config) throws MalformedFileException {
        if (config.architecture().has(Trait.NO_LLAMA3_SCALING_IN_GGUF)
                && config.ropeScaling()
                        .filter(RopeScaling.Llama3.class::isInstance)
                        .isPresent()) {
            throw new MalformedFileException(
                    Kind.UNSUPPORTED,
                    "config.json",
                    "rope scaling 'llama3': llama.cpp opens no model of "
                            + config.architecture().className()
                            + " with it; choose compressed-tensors or onnx");
        }
    }

    private static void requireFound(GgufOptions options, ModelOutline outline, ModelConfig config)
            throws MalformedFileException {
        List<String> choosable = outline.tensors().stream()
                .filter(tensor -> TensorKind.quantized(tensor.name(), tensor.shape()))
                .map(ModelOutline.Tensor::name)
                .toList();
        for (GgufOptions.TensorType override : options.overrides()) {
            NamePatterns.requireFound("tensor-type", override.pattern(), choosable, config);
        }
    }

    private static ModelOutline outline(ModelConfig config, List<List<TensorRule>> stacks) {
        return new ModelOutline(
                config.architecture().ggufName(),
                config.layerCount(),
                config.headCount(),
                config.keyValueHeadCount(),
                config.experts().map(Experts::count).orElse(0),
                stacks.stream()
                        .map(parts -> new ModelOutline.Tensor(parts.getFirst().ggufName(), GgufStacks.shape(parts)))
                        .toList());
    }

    private static PlannedTensor planned(
            GgufTensor target, PlannedTensor.Source source, String note, Optional<ImportanceMatrix> importances)
            throws IOException {
        Optional<Importance> importance =
                importances.isEmpty() ? Optional.empty() : importances.get().of(target.name(), target.shape());
        int subBlock = BlockQuantizer.weightedElements(target.type());
        if (importance.isEmpty() || subBlock == 0) {
            return new PlannedTensor(target, source, Optional.empty(), !note.isEmpty(), note);
        }
        int zeros = importance.get().zeroSubBlocks(subBlock);
        String filled =
                zeros == 0 ? "" : zeros + " groups of " + subBlock + " columns have importance 0 throughout: 1 instead";
        return new PlannedTensor(
                target,
                source,
                importance.map(found -> found.withoutZeros(subBlock)),
                !note.isEmpty(),
                note.isEmpty() || filled.isEmpty() ? note + filled : note + "; " + filled);
    }
}
