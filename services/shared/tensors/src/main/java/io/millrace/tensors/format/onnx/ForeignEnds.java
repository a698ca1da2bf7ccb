package io.millrace.tensors.format.onnx;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.format.onnx.OnnxGraph.Node;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Embedding and head in a graph of another maker, which may hold one matrix for both, or two that a config.json ties. */
final class ForeignEnds {
    private static final long COMPARED_ELEMENTS = 1 << 20;
    private static final String EMBEDDING = "model.embed_tokens.weight";
    /** The builder turns a head that is multiplied by for looking up rows, and a quantizer leaves that use of it alone. */
    private static final String SHARED = "lm_head.MatMul.weight";

    private static final String HEAD_MODULE = "lm_head";

    private final ModelConfig given;
    private final OnnxFile file;
    private final Constants constants;
    private final ForeignMatrices matrices;

    ForeignEnds(ModelConfig given, OnnxFile file, Constants constants, ForeignMatrices matrices) {
        this.given = given;
        this.file = file;
        this.constants = constants;
        this.matrices = matrices;
    }

    StoredWeight head() throws MalformedFileException {
        return matrices.find(HEAD_MODULE, given.vocabularySize(), given.hiddenSize())
                .orElseThrow(() -> constants.missing("a node for module '" + HEAD_MODULE + "'"));
    }

    StoredWeight embedding() throws MalformedFileException {
        Shape shape = Shape.of(given.vocabularySize(), given.hiddenSize());
        if (constants.has(EMBEDDING)) {
            return new StoredWeight.Dense(constants.takeNumbers(EMBEDDING, shape), shape.rows());
        }
        if (constants.has(SHARED)) {
            ExternalTensor shared = constants.takeNumbers(SHARED, Shape.of(shape.extent(1), shape.extent(0)));
            return new StoredWeight.Transposed(shared, shape.rows());
        }
        Optional<Node> lookup = file.graph().nodes().stream()
                .filter(node -> node.operator().equals(OnnxGraph.LOOKS_UP))
                .findFirst();
        Optional<Node> head = matrices.product(HEAD_MODULE);
        if (lookup.isEmpty()) {
            throw constants.missing(List.of(SHARED, EMBEDDING));
        }
        if (head.isPresent() && head.get().input(2).equals(lookup.get().input(2))) {
            return head();
        }
        return matrices.lookedUp(lookup.get(), shape.rows(), shape.rowLength());
    }

    /** True if the head multiplies by the numbers that the embedding looks up. */
    boolean tied() throws MalformedFileException {
        StoredWeight head = head();
        return head.equals(embedding()) || sameNumbers(head, embedding());
    }

    private boolean sameNumbers(StoredWeight head, StoredWeight embedding) {
        WeightRows rows = new WeightRows(file);
        int rowLength = given.hiddenSize();
        int step = Math.toIntExact(Math.max(1, COMPARED_ELEMENTS / rowLength));
        float[] one = new float[step * rowLength];
        float[] other = new float[step * rowLength];
        for (int from = 0; from < given.vocabularySize(); from += step) {
            int to = Math.min(given.vocabularySize(), from + step);
            rows.read(head, rowLength, from, to, MemorySegment.ofArray(one));
            rows.read(embedding, rowLength, from, to, MemorySegment.ofArray(other));
            int count = (to - from) * rowLength;
            if (!Arrays.equals(one, 0, count, other, 0, count)) {
                return false;
            }
        }
        return true;
    }
}
