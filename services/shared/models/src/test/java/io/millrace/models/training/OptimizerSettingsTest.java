package io.millrace.models.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class OptimizerSettingsTest {
    @Test
    void theRateRisesLinearlyAndFallsAlongACosine() {
        OptimizerSettings settings = OptimizerSettings.of(0.4, 4);

        assertThat(settings.rate(1, 104)).isCloseTo(0.1, within(1e-12));
        assertThat(settings.rate(4, 104)).isCloseTo(0.4, within(1e-12));
        assertThat(settings.rate(54, 104)).isCloseTo(0.4 * 0.55, within(1e-12));
        assertThat(settings.rate(104, 104)).isCloseTo(0.04, within(1e-12));
    }

    @Test
    void withoutWarmUpTheFirstStepHasAboutTheFullRate() {
        assertThat(OptimizerSettings.of(0.4, 0).rate(1, 1000)).isCloseTo(0.4, within(1e-5));
    }

    @Test
    void settingsThatCannotTrainAreRefused() {
        assertThatThrownBy(() -> OptimizerSettings.of(0, 4)).hasMessageContaining("learning rate 0.0");
        assertThatThrownBy(() -> OptimizerSettings.of(Double.NaN, 4)).hasMessageContaining("NaN");
        assertThatThrownBy(() -> OptimizerSettings.of(0.1, -1)).hasMessageContaining("warm-up steps -1");
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1.1, 0.9, 0.95, 1e-8, 0.1, 1))
                .hasMessageContaining("final share 1.1");
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1, 0.9, 0.95, 1e-8, -0.1, 1))
                .hasMessageContaining("weight decay -0.1");
        // The corrections of the first step would divide by 0.
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1, 1, 0.95, 1e-8, 0.1, 1))
                .hasMessageContaining("beta1 1.0");
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1, 0.9, 1, 1e-8, 0.1, 1))
                .hasMessageContaining("beta2 1.0");
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1, 0.9, 0.95, 0, 0.1, 1))
                .hasMessageContaining("epsilon 0.0");
        assertThatThrownBy(() -> new OptimizerSettings(0.1, 0, 1, 0.9, 0.95, 1e-8, 0.1, 0))
                .hasMessageContaining("clip norm 0.0");
    }

    @Test
    void theCommonSettingsAreThoseThatTheirDescriptionNames() {
        assertThat(OptimizerSettings.of(0.4, 4)).isEqualTo(new OptimizerSettings(0.4, 4, 0.1, 0.9, 0.95, 1e-8, 0.1, 1));
        assertThat(new OptimizerSettings(0.4, 0, 1, 0, 0, 1e-8, 0, 1).rate(7, 10))
                .isEqualTo(0.4);
    }
}
