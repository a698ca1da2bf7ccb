package io.millrace.tensors.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.Shape;
import io.millrace.tensors.format.onnx.OnnxGraph.Node;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A matrix of 4 rows of 32 weights in blocks of 16, and what would make other numbers of it if nobody looked. */
class ForeignMatricesTest {
    private static final String MODULE = "model.layers.0.mlp.down_proj";
    private static final String NODE = "/model/layers.0/mlp/down_proj/MatMul_Q4";
    private static final int ROWS = 4;
    private static final int ROW_LENGTH = 32;

    private final Map<String, ExternalTensor> tensors = new HashMap<>();
    private final Map<String, Long> product = new HashMap<>(Map.of("N", 4L, "K", 32L, "bits", 4L, "block_size", 16L));
    private final Map<String, Long> lookup = new HashMap<>(Map.of("quantize_axis", 1L, "bits", 4L, "block_size", 16L));
    private final List<String> inputs = new ArrayList<>(List.of("x", "codes", "scales", "zeros"));

    ForeignMatricesTest() {
        put("codes", ElementType.UINT8, ROWS, 2, 8);
        put("scales", ElementType.FLOAT, ROWS, 2);
        put("zeros", ElementType.UINT8, ROWS, 1);
        put("halves", ElementType.INT4, ROWS, ROW_LENGTH);
        put("pairs", ElementType.UINT8, ROWS, ROW_LENGTH / 2);
        put("halfZeros", ElementType.INT4, ROWS, 2);
    }

    private void put(String name, ElementType type, long... extents) {
        tensors.put(name, new ExternalTensor(name, type, Shape.of(extents), 0));
    }

    @Test
    void aMatrixIsFoundWhicheverWayItsCodesAreStored() throws Exception {
        assertThat(multiplied()).isPresent();
        assertThat(lookedUp("halves", "scales", "halfZeros").blocks()).isPresent();
        assertThat(lookedUp("pairs", "scales", "zeros").blocks()).isPresent();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            N                | 8      | has N 8, expected 4
            K                | 16     | has K 16, expected 32
            weight_prepacked | 1      | has weight_prepacked 1, expected 0
            bits             | 2      | has codes of 2 bits, expected 4 or 8
            bits             | 8      | constant 'codes' of node 'down' is UINT8 [4, 2, 8], expected 128 elements of UINT8
            block_size       | 0      | has blocks of 0, expected an even number of at most 65536
            block_size       | 17     | has blocks of 17
            block_size       | 131072 | has blocks of 131072
            block_size       | 8      | constant 'scales' of node 'down' is FLOAT [4, 2], expected 16 elements of FLOAT
            block_size       | 64     | constant 'codes' of node 'down' is UINT8 [4, 2, 8], expected 128 elements of UINT8
            """)
    void aProductThatSaysOtherwiseIsRefused(String attribute, long value, String message) {
        product.put(attribute, value);

        assertThatThrownBy(this::multiplied)
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message.replace("'down'", "'" + NODE + "'"));
    }

    @Test
    void aProductOfReorderedColumnsIsRefused() {
        inputs.add("order");

        assertThatThrownBy(this::multiplied).hasMessageContaining("takes columns in the order of 'order' (g_idx)");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            codes  | INT4   | 4,2,8 | 'codes'
            scales | UINT8  | 4,2   | constant 'scales' is UINT8, expected numbers with fractions
            scales | FLOAT  | 4,1   | 'scales'
            zeros  | UINT8  | 4,2   | 'zeros'
            zeros  | UINT4  | 4,2   | constant 'zeros' is UINT4, expected numbers with fractions
            zeros  | FLOAT  | 4,1   | 'zeros'
            """)
    void aConstantOfAnotherTypeOrSizeIsRefused(String name, ElementType type, String extents, String message) {
        put(
                name,
                type,
                Arrays.stream(extents.split(",")).mapToLong(Long::parseLong).toArray());

        assertThatThrownBy(this::multiplied)
                .isInstanceOf(MalformedFileException.class)
                .hasMessageContaining(message);
    }

    @Test
    void rowsThatAreLookedUpAlongAnotherAxisOrInOtherSizesAreRefused() {
        lookup.put("gather_axis", 1L);
        assertThatThrownBy(() -> lookedUp("pairs", "scales", "zeros")).hasMessageContaining("has gather_axis 1");
        lookup.remove("gather_axis");
        lookup.put("quantize_axis", 0L);
        assertThatThrownBy(() -> lookedUp("pairs", "scales", "zeros")).hasMessageContaining("has quantize_axis 0");
        lookup.put("quantize_axis", 1L);
        put("pairs", ElementType.UINT8, ROWS, ROW_LENGTH);
        assertThatThrownBy(() -> lookedUp("pairs", "scales", "zeros")).hasMessageContaining("constant 'pairs'");
        put("halves", ElementType.INT4, ROWS, ROW_LENGTH / 2);
        assertThatThrownBy(() -> lookedUp("halves", "scales", "halfZeros")).hasMessageContaining("constant 'halves'");
    }

    @Test
    void aPlainMatrixOfAnotherShapeOrOfWholeNumbersIsRefused() throws Exception {
        put("dense", ElementType.FLOAT16, ROW_LENGTH, ROWS);
        assertThat(plain()).isPresent();
        put("dense", ElementType.FLOAT16, ROWS, ROW_LENGTH);
        assertThatThrownBy(this::plain).hasMessageContaining("has shape [4, 32], expected [32, 4] by config.json");
        put("dense", ElementType.UINT8, ROW_LENGTH, ROWS);
        assertThatThrownBy(this::plain).hasMessageContaining("constant 'dense' is UINT8, expected numbers");
    }

    private Optional<StoredWeight> plain() throws MalformedFileException {
        Node node = new Node(NODE, OnnxGraph.MULTIPLIES_DENSE, List.of("x", "dense"), Map.of());
        return over(node).find(MODULE, ROWS, ROW_LENGTH);
    }

    @Test
    void twoProductsOfOneModuleAreRefused() {
        Node node = new Node(NODE, OnnxGraph.MULTIPLIES, inputs, product);
        assertThatThrownBy(() -> over(node, node)).hasMessageContaining("two nodes multiply by the matrix of module");
    }

    private Optional<StoredWeight> multiplied() throws MalformedFileException {
        return over(new Node(NODE, OnnxGraph.MULTIPLIES, inputs, product)).find(MODULE, ROWS, ROW_LENGTH);
    }

    private StoredWeight lookedUp(String... taken) throws MalformedFileException {
        Node node = new Node("lookup", OnnxGraph.LOOKS_UP, List.of(taken[0], "ids", taken[1], taken[2]), lookup);
        return over(node).lookedUp(node, ROWS, ROW_LENGTH);
    }

    private ForeignMatrices over(Node... nodes) throws MalformedFileException {
        OnnxGraph graph =
                new OnnxGraph(Map.of(), Optional.of("model.onnx.data"), tensors, Set.of(), Map.of(), List.of(nodes));
        return new ForeignMatrices(new Constants("model.onnx", graph), graph);
    }
}
