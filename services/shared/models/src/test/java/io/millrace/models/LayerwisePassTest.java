package io.millrace.models;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class LayerwisePassTest {
    static Stream<TinyModel> models() {
        return TinyModel.all();
    }

    @ParameterizedTest
    @MethodSource("models")
    void layerByLayerComesTheSameAsFromTheWholeModel(TinyModel model) throws Exception {
        SplittableRandom random = new SplittableRandom(11);
        int[][] windows = new int[3][];
        for (int i = 0; i < windows.length; i++) {
            windows[i] = random.ints(40, 0, model.config().vocabularySize()).toArray();
        }

        try (CausalLanguageModel whole = CausalLanguageModel.load(model.weights());
                NDManager scope = TensorRuntime.start().scope()) {
            NDArray[] hidden = new LayerwisePass(model.weights(), scope, LayerwisePass.oneByOne(windows))
                    .finish(WorkProgress.NONE);
            LogitHead head = LogitHead.load(model.weights(), scope);

            assertThat(hidden).hasSize(windows.length);
            for (int i = 0; i < windows.length; i++) {
                NDArray expected = whole.hidden(whole.tokens(scope, windows[i]), null, LayerWatch.NONE);
                assertThat(hidden[i].toFloatArray()).containsExactly(expected.toFloatArray());
                assertThat(head.apply(hidden[i]).toFloatArray())
                        .containsExactly(whole.head(expected).toFloatArray());
            }
        }
    }
}
