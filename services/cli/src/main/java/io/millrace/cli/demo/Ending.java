package io.millrace.cli.demo;

import io.millrace.cli.local.Home;
import io.millrace.events.Measurement;
import io.millrace.events.Metric;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import java.io.PrintWriter;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/**
 * What the demo says at its end.
 *
 * @param unigram perplexity of the humblest model on the evaluation text
 */
record Ending(List<RunChanged> runs, List<ModelPublished> models, double unigram) {
    /** A trained model is at most a third as perplexed as a unigram model, and the text is not trivial. */
    private static final double LEAST_PERPLEXITY = 1.5;

    boolean tell(PrintWriter out, Home home, long seconds) {
        out.println();
        out.print(new ResultTable(models).of(runs));
        out.println();
        boolean trained = tellTraining(out);
        boolean hoped = Demo.asHoped(runs);
        runs.stream()
                .filter(run -> !Demo.asHoped(List.of(run)))
                .forEach(run -> out.printf(
                        "NOT AS IT SHOULD BE: %s for %s is %s; 'millrace show %s --home %s' says more%n",
                        run.version(),
                        run.target(),
                        run.status().wireName(),
                        run.run().digest().abbreviated(),
                        home.folder()));
        out.printf(Locale.ROOT, "%d runs ended in %d s, building apart.%n", runs.size(), seconds);
        out.println("Models and evidence:  " + home.store());
        out.println("Bring them back up:   millrace up --home " + home.folder());
        out.println("Subscribe:            millrace subscribe --from-beginning --home " + home.folder());
        out.println("Use one:              millrace pull stories laptop ./stories-laptop --home " + home.folder());
        out.println("Your own model:       millrace publish DIR --model NAME --version V --home " + home.folder()
                + " (policy: " + home.folder().resolve("policy.yaml") + ")");
        out.flush();
        return hoped && trained;
    }

    private boolean tellTraining(PrintWriter out) {
        OptionalDouble perplexity =
                models.stream()
                        .max(Comparator.comparingLong(model -> model.source().step()))
                        .stream()
                        .flatMap(model -> model.decision().evidence().stream())
                        .filter(measurement -> measurement.metric().equals(Metric.PERPLEXITY.wireName()))
                        .map(Measurement::baseline)
                        .filter(OptionalDouble::isPresent)
                        .mapToDouble(OptionalDouble::getAsDouble)
                        .findFirst();
        if (perplexity.isEmpty()) {
            return false;
        }
        double trained = perplexity.getAsDouble();
        boolean good = trained <= unigram / 3 && trained >= LEAST_PERPLEXITY;
        out.printf(
                Locale.ROOT,
                "The trained model's perplexity per byte is %.3f; a unigram model's is %.2f.%s%n",
                trained,
                unigram,
                good ? "" : " It should be at most a third of that, and at least " + LEAST_PERPLEXITY + ".");
        return good;
    }
}
