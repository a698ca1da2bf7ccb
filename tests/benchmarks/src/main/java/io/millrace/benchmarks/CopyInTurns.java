package io.millrace.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;

/**
 * Runs of the quantize stage and copies of the same bytes in turns, so that what else the machine and its disk do meets
 * both. The copy goes through a 4 MiB buffer and is forced to disk at its end.
 */
final class CopyInTurns {
    private final QuantizeRun run;
    private final Path copy;
    private final List<Double> copies = new ArrayList<>();
    private final List<QuantizeRun.Outcome> outcomes = new ArrayList<>();
    private final List<QuantizeRun.Outcome> onOneCore = new ArrayList<>();

    /** @param copy a folder that does not exist yet */
    CopyInTurns(QuantizeRun run, Path copy) {
        this.run = run;
        this.copy = copy;
    }

    void round(int threads) throws Exception {
        copies.add(copySeconds());
        outcomes.add(run.with(threads));
    }

    /** On one core with one thread, after the round with more. */
    void oneCore() throws Exception {
        try (OneCore _ = new OneCore()) {
            onOneCore.add(run.with(1));
        }
    }

    private double copySeconds() throws IOException {
        long began = System.nanoTime();
        new ForcedFiles(run.checkpoint().folder()).copyTo(copy);
        double seconds = (System.nanoTime() - began) / 1e9;
        new Scratch(copy).close();
        return seconds;
    }

    double medianCopySeconds() {
        return median(copies);
    }

    double median(ToDoubleFunction<QuantizeRun.Outcome> of) {
        return median(outcomes.stream().map(of::applyAsDouble).toList());
    }

    double peakMebibytes() {
        return Stream.concat(outcomes.stream(), onOneCore.stream())
                .mapToDouble(QuantizeRun.Outcome::peakMebibytes)
                .max()
                .orElse(0);
    }

    /** The stage's speed as a share of the copy's in the same round. */
    double medianShare() {
        List<Double> shares = new ArrayList<>();
        for (int round = 0; round < copies.size(); round++) {
            shares.add(copies.get(round) / outcomes.get(round).seconds());
        }
        return median(shares);
    }

    boolean knowsGain() {
        return !onOneCore.isEmpty();
    }

    double medianGain() {
        List<Double> gains = new ArrayList<>();
        for (int round = 0; round < onOneCore.size(); round++) {
            gains.add(onOneCore.get(round).seconds() / outcomes.get(round).seconds());
        }
        return median(gains);
    }

    private static double median(List<Double> values) {
        return Figure.median(values.stream().mapToDouble(Double::doubleValue).toArray());
    }
}
