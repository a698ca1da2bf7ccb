package io.millrace.tensors.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.DType;
import io.millrace.tensors.Shape;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.json.StrictJson;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Gemma 3 with a part that sees, around a model of text alone. */
public final class MultimodalModels {
    /** Stored in bytes that no rounding would keep. */
    public static final TensorSpec SEEING = TensorSpec.plain(
            "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight", DType.F32, Shape.of(6, 4));

    public static final TensorSpec PROJECTOR =
            TensorSpec.plain("multi_modal_projector.mm_soft_emb_norm.weight", DType.F32, Shape.of(4));

    private MultimodalModels() {}

    /** The config.json of a multimodal model with this text model. */
    public static ObjectNode config(ObjectNode text) {
        ObjectNode json = StrictJson.object();
        json.putArray("architectures").add("Gemma3ForConditionalGeneration");
        json.put("model_type", "gemma3").put("torch_dtype", "float32");
        json.set("text_config", text.deepCopy().without(List.of("architectures", "torch_dtype")));
        json.putObject("vision_config").put("model_type", "siglip_vision_model");
        return json;
    }

    /**
     * Writes the multimodal model whose text model is that of {@code text}.
     *
     * @param prefix what stands before the text model's names
     * @param cut letters of a text model's name that are dropped for it
     */
    public static Path write(Path folder, Path text, String prefix, int cut) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(text)) {
            List<TensorSpec> specs = new ArrayList<>(List.of(SEEING, PROJECTOR));
            for (TensorRule rule : checkpoint.rules()) {
                specs.add(TensorSpec.plain(
                        prefix + rule.name().substring(cut), checkpoint.type(rule.name()), rule.shape()));
            }
            try (DenseWriter writer =
                    DenseWriter.original(folder, config(checkpoint.config().json()), specs)) {
                writer.appendFloats(SEEING.name(), MemorySegment.ofArray(thirds(24)));
                writer.appendFloats(PROJECTOR.name(), MemorySegment.ofArray(thirds(4)));
                for (TensorRule rule : checkpoint.rules()) {
                    writer.append(
                            prefix + rule.name().substring(cut),
                            checkpoint
                                    .reader()
                                    .rows(rule.name(), 0, rule.shape().rows()));
                }
                writer.finish();
            }
            checkpoint.copyCompanions(folder);
        }
        return folder;
    }

    private static float[] thirds(int count) {
        float[] values = new float[count];
        Arrays.fill(values, 1f / 3);
        return values;
    }
}
