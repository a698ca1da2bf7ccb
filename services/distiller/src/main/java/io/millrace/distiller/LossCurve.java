package io.millrace.distiller;

import io.millrace.models.training.StepReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The losses of a distillation, one line of CSV per step, kept on disk while it runs so that a resumed training has the
 * whole curve.
 */
final class LossCurve {
    static final String FILE = "loss-curve.csv";
    private static final String HEADER = "step,loss,divergence,cross_entropy,learning_rate,gradient_norm";

    private final Path file;

    private LossCurve(Path file) {
        this.file = file;
    }

    /** Goes on after {@code done} steps; later lines belong to steps that were lost and will be done again. */
    static LossCurve resume(Path file, long done) throws IOException {
        List<String> lines = new ArrayList<>(List.of(HEADER));
        if (Files.exists(file)) {
            Files.readAllLines(file).stream().skip(1).limit(done).forEach(lines::add);
        }
        Files.write(file, lines);
        return new LossCurve(file);
    }

    void append(StepReport step) throws IOException {
        String line = String.format(
                Locale.ROOT,
                "%d,%s,%s,%s,%s,%s%n",
                step.step(),
                step.loss(),
                step.divergence().isPresent() ? step.divergence().getAsDouble() : "",
                step.crossEntropy().isPresent() ? step.crossEntropy().getAsDouble() : "",
                step.learningRate(),
                step.gradientNorm());
        Files.writeString(file, line, StandardOpenOption.APPEND);
    }

    /** The loss of the first and the last step. */
    double[] ends() throws IOException {
        List<String> lines = Files.readAllLines(file);
        return new double[] {loss(lines.get(1)), loss(lines.getLast())};
    }

    private static double loss(String line) {
        return Double.parseDouble(line.split(",", -1)[1]);
    }
}
