package io.millrace.worker;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.millrace.events.Parameters;
import io.millrace.events.StageName;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

class StagesTest {
    @Test
    void stagesOfOneQueueAreToldApartByTheirParameters() {
        Stage<?> quality = stage(Parameters.Quality.class);
        Stage<?> speed = stage(Parameters.Speed.class);

        Stages stages = new Stages(List.of(quality, speed));

        assertThat(stages.names()).containsExactly(StageName.BENCHMARK);
        assertThat(stages.of(new Parameters.Speed(1, 1, 1))).contains(speed);
        assertThat(stages.of(new Parameters.Quality(8, 512))).contains(quality);
    }

    @Test
    void parametersThatNoStageUnderstandsHaveNone() {
        Stages stages = new Stages(List.of(stage(Parameters.Neurons.class)));

        assertThat(stages.of(new Parameters.Magnitude(OptionalDouble.of(0.1), OptionalDouble.empty(), false)))
                .isEmpty();
    }

    @Test
    void stageOfEverythingHasNoQueue() {
        Stages stages = new Stages(List.of(stage(Parameters.class)));

        assertThatThrownBy(stages::names).hasMessageContaining("Prune, Distill, Quantize, Benchmark");
    }

    private static <P extends Parameters> Stage<P> stage(Class<P> parameters) {
        return new Stage<>() {
            @Override
            public Class<P> parameters() {
                return parameters;
            }

            @Override
            public StageOutput run(StageInput<P> input, Workspace workspace) {
                throw new UnsupportedOperationException();
            }
        };
    }
}
