package io.millrace.tensors.format.literature;

import io.millrace.tensors.kernel.literature.RowRounding;
import io.millrace.tensors.kernel.literature.SignRows;
import io.millrace.tensors.kernel.literature.ThresholdRows;
import io.millrace.tensors.kernel.literature.UniformFit;
import io.millrace.tensors.kernel.literature.UniformGrid;
import io.millrace.tensors.kernel.literature.UniformInputs;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What becomes of the matrices of a model's layers, and of what goes into them.
 *
 * @param inputs how whoever measures the model rounds the inputs of these matrices; empty if they stay as they are
 */
public record LiteratureScheme(Weights weights, Optional<UniformInputs> inputs) {
    /** How a matrix becomes codes. */
    public sealed interface Weights {
        /** As policies and files spell it. */
        String name();

        /** For any matrix, as far as that does not depend on it. */
        RowRounding rounding();

        /** Whether each row has a scale; else there is one for the matrix. */
        default boolean scalePerRow() {
            return true;
        }
    }

    /**
     * {@link UniformGrid} for the whole matrix.
     *
     * @param levels Q of round(w * Q); empty for the one of least squared error for each matrix, by {@link UniformFit}
     */
    public record Uniform(int bits, OptionalDouble levels) implements Weights {
        public Uniform {
            // Refuses what is no grid.
            new UniformGrid(bits, (float) levels.orElse(1));
        }

        @Override
        public String name() {
            return "uniform";
        }

        @Override
        public RowRounding rounding() {
            return new UniformGrid(bits, (float) levels.orElse(1));
        }

        @Override
        public boolean scalePerRow() {
            return false;
        }
    }

    /** {@link SignRows}. */
    public record Binary() implements Weights {
        @Override
        public String name() {
            return "binary";
        }

        @Override
        public RowRounding rounding() {
            return new SignRows();
        }
    }

    /** {@link ThresholdRows}. */
    public record Ternary(double threshold) implements Weights {
        public Ternary {
            // Refuses what is no threshold.
            new ThresholdRows(threshold);
        }

        @Override
        public String name() {
            return "ternary";
        }

        @Override
        public RowRounding rounding() {
            return new ThresholdRows(threshold);
        }
    }
}
