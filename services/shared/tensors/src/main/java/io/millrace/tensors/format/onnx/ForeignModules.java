package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.Projection;
import io.millrace.tensors.architecture.TensorRule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The matrices and biases of a layer in a graph of another maker: one for each module as in the checkpoint, one that
 * holds those of several, or several for one.
 */
final class ForeignModules {
    private static final List<Projection> ATTENTION = List.of(Projection.QUERY, Projection.KEY, Projection.VALUE);
    private static final List<Projection> GATES = List.of(Projection.GATE, Projection.UP);

    private final ModelConfig given;
    private final Constants constants;
    private final ForeignMatrices matrices;

    ForeignModules(ModelConfig given, Constants constants, ForeignMatrices matrices) {
        this.given = given;
        this.constants = constants;
        this.matrices = matrices;
    }

    StoredWeight matrix(TensorRule rule, Projection projection) throws MalformedFileException {
        Shape shape = rule.shape();
        Optional<StoredWeight> alone = matrices.find(rule.module(), shape.rows(), shape.rowLength());
        if (alone.isPresent()) {
            return alone.get();
        }
        return switch (projection) {
            case QUERY, KEY, VALUE -> within(rule, projection, ATTENTION, "qkv_proj");
            case GATE, UP -> within(rule, projection, GATES, "gate_up_proj");
            case QUERY_KEY_VALUE -> stacked(rule, ATTENTION, List.of("q_proj", "k_proj", "v_proj"));
            case GATE_UP -> stacked(rule, GATES, List.of("gate_proj", "up_proj"));
            case ATTENTION_OUTPUT, DOWN, EXPERT_GATE, EXPERT_UP, EXPERT_DOWN -> throw noNode(rule.module());
        };
    }

    /** The rows of one projection in a matrix that holds several. */
    private StoredWeight within(TensorRule rule, Projection projection, List<Projection> all, String fused)
            throws MalformedFileException {
        long rows = all.stream().mapToLong(this::rows).sum();
        StoredWeight whole = matrices.find(
                        beside(rule, fused), rows, rule.shape().rowLength())
                .orElseThrow(() -> noNode(rule.module()));
        return new StoredWeight.Part(whole, first(projection, all), rows(projection));
    }

    /** The rows before those of a projection. */
    private long first(Projection projection, List<Projection> all) {
        return all.subList(0, all.indexOf(projection)).stream()
                .mapToLong(this::rows)
                .sum();
    }

    private long rows(Projection projection) {
        return projection.shape(given).extent(0);
    }

    private StoredWeight stacked(TensorRule rule, List<Projection> all, List<String> names)
            throws MalformedFileException {
        List<StoredWeight> parts = new ArrayList<>();
        for (int i = 0; i < all.size(); i++) {
            String module = beside(rule, names.get(i));
            parts.add(matrices.find(module, rows(all.get(i)), rule.shape().rowLength())
                    .orElseThrow(() -> noNode(module)));
        }
        return new StoredWeight.Stacked(parts);
    }

    /** A module in the same block as a tensor's own. */
    private static String beside(TensorRule rule, String name) {
        return rule.module().substring(0, rule.module().lastIndexOf('.') + 1) + name;
    }

    private MalformedFileException noNode(String module) {
        return constants.missing("a node for module '" + module + "'");
    }

    /** A vector of its own, or its numbers within that of q, k and v. */
    StoredWeight bias(TensorRule rule, Projection projection) throws MalformedFileException {
        String fused = added(beside(rule, "qkv_proj"));
        if (!constants.has(fused)) {
            return constants.dense(rule, List.of(rule.name(), fused, added(rule.module())));
        }
        long all = ATTENTION.stream().mapToLong(this::rows).sum();
        ExternalTensor whole = constants.takeNumbers(fused, Shape.of(all));
        long first = first(projection, ATTENTION);
        return new StoredWeight.Dense(
                new ExternalTensor(
                        fused,
                        whole.type(),
                        rule.shape(),
                        whole.offset() + first * whole.type().bytes()),
                1);
    }

    private static String added(String module) {
        return module.replace(".self_attn.", ".attn.") + ".Add.bias";
    }
}
