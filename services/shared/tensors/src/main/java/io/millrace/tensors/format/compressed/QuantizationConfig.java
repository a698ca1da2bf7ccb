package io.millrace.tensors.format.compressed;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.DynamicRounding;
import io.millrace.tensors.kernel.pack.VectorBlocks;
import java.util.List;

/**
 * The {@code quantization_config} object of a config.json: the fields that compressed-tensors itself writes, less those
 * that came later and change nothing here ({@code format} of a group where all have one, {@code moe_sparsity_config}). Versions 0.9.4,
 * 0.12.2 and 0.20.0 of the library read it; MXFP4 needs a version that knows {@code scale_dtype}.
 */
final class QuantizationConfig {
    static final String KEY = "quantization_config";
    static final String METHOD = "compressed-tensors";
    static final String WEIGHT = ".weight";
    static final String WEIGHT_PACKED = ".weight_packed";
    static final String WEIGHT_SCALE = ".weight_scale";
    static final String WEIGHT_GLOBAL_SCALE = ".weight_global_scale";
    static final String WEIGHT_SHAPE = ".weight_shape";
    static final String WEIGHT_ZERO_POINT = ".weight_zero_point";
    static final String WEIGHT_GROUP_INDEX = ".weight_g_idx";

    /** The format of a folder whose groups have different ones. */
    static final String MIXED = "mixed-precision";

    /** Every linear module that nothing else names. */
    static final String EVERY_LINEAR = "Linear";

    /** The module of the output head. */
    static final String HEAD = "lm_head";

    /**
     * What is dense in a multimodal model beside its text model, and its head: engines have different prefixes for them.
     */
    static final List<String> SEEING = List.of("re:.*vision_tower.*", "re:.*multi_modal_projector.*", "re:.*lm_head$");

    /** A version of the library that knows all but MXFP4; no consumer decides by it. */
    private static final String FORMAT_VERSION = "0.12.2";

    private QuantizationConfig() {}

    /** Modules that are stored alike. */
    record Group(CompressedScheme scheme, List<String> targets) {}

    /** @param ignored linear modules that stay dense */
    static ObjectNode of(List<Group> groups, List<String> ignored) {
        List<String> formats = groups.stream()
                .map(group -> group.scheme().kind().format())
                .distinct()
                .toList();
        boolean mixed = formats.size() > 1;
        ObjectNode config = StrictJson.object();
        config.put("quant_method", METHOD);
        config.put("version", FORMAT_VERSION);
        config.put("format", mixed ? MIXED : formats.getFirst());
        config.put("quantization_status", "compressed");
        ObjectNode named = config.putObject("config_groups");
        for (Group group : groups) {
            ObjectNode json = named.putObject("group_" + named.size());
            group(group, json);
            if (mixed) {
                json.put("format", group.scheme().kind().format());
            }
        }
        ignored.forEach(config.putArray("ignore")::add);
        config.putNull("kv_cache_scheme");
        config.putNull("global_compression_ratio");
        config.putObject("sparsity_config");
        config.putObject("transform_config");
        return config;
    }

    private static void group(Group group, ObjectNode json) {
        CompressedScheme scheme = group.scheme();
        group.targets().forEach(json.putArray("targets")::add);
        weights(scheme, json.putObject("weights"));
        scheme.inputRounding()
                .ifPresentOrElse(
                        rounding -> inputs(scheme, rounding, json.putObject("input_activations")),
                        () -> json.putNull("input_activations"));
        json.putNull("output_activations");
    }

    private static void weights(CompressedScheme scheme, ObjectNode weights) {
        codes(scheme.code(), scheme.symmetric(), weights);
        if (scheme.blocks()) {
            weights.putNull("group_size");
            weights.put("strategy", "block");
            weights.putArray("block_structure").add(VectorBlocks.SIDE).add(VectorBlocks.SIDE);
        } else if (scheme.groupSize() == 0) {
            weights.putNull("group_size");
            weights.put("strategy", "channel");
        } else {
            weights.put("group_size", scheme.groupSize());
            weights.put("strategy", scheme.kind() == StoredFormat.Kind.NV_FLOATS ? "tensor_group" : "group");
        }
        weights.put("dynamic", false);
        scaleType(scheme, weights);
    }

    private static void inputs(CompressedScheme scheme, DynamicRounding rounding, ObjectNode inputs) {
        codes(rounding.code(), true, inputs);
        if (rounding.groupSize() == 0) {
            inputs.putNull("group_size");
            inputs.put("strategy", "token");
        } else {
            inputs.put("group_size", rounding.groupSize());
            inputs.put("strategy", "group");
        }
        inputs.put("dynamic", true);
        scaleType(scheme, inputs);
    }

    private static void codes(Code code, boolean symmetric, ObjectNode args) {
        args.put("num_bits", code.bits());
        args.put("type", code.floating() ? "float" : "int");
        args.put("symmetric", symmetric);
    }

    private static void scaleType(CompressedScheme scheme, ObjectNode args) {
        switch (scheme.kind()) {
            case MX_FLOATS -> args.put("scale_dtype", "torch.uint8");
            case NV_FLOATS -> args.put("scale_dtype", "torch.float8_e4m3fn");
            case PACKED_INTEGERS, INTEGERS, FLOATS -> {}
        }
    }
}
