package io.millrace.models.speed;

import io.millrace.models.LayerWatch;
import io.millrace.models.WorkProgress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** The alternation of original and candidate, whatever runs them. */
public final class SpeedRun {
    private static final String TOKENS = "tokens fed";

    /** A loaded model with a context of its own. */
    public interface Subject {
        int vocabularySize();

        /** Forgets all positions. */
        void clear();

        /**
         * Feeds tokens behind those fed before and returns when the logits of the last one are there.
         *
         * @param watch told of layers by a runtime that knows of them
         */
        void feed(int[] tokens, LayerWatch<InterruptedException> watch) throws InterruptedException;
    }

    /** All measured runs; the order within a pair turns with each pair, so that drift hits both alike. */
    public record Runs(List<Rates> original, List<Rates> candidate) {}

    private final SpeedPlan plan;
    private final LongSupplier nanoClock;
    private final WorkProgress progress;
    private long fed;

    private SpeedRun(SpeedPlan plan, LongSupplier nanoClock, WorkProgress progress) {
        this.plan = plan;
        this.nanoClock = nanoClock;
        this.progress = progress;
    }

    /**
     * An interrupt ends it between two tokens, or two layers of a runtime that lets others in there.
     *
     * @param nanoClock a monotonic clock, nanoseconds
     * @param progress told of each token that is fed, within the time that is measured: it must be cheap
     */
    public static Runs alternate(
            Subject original, Subject candidate, SpeedPlan plan, LongSupplier nanoClock, WorkProgress progress)
            throws InterruptedException {
        return new SpeedRun(plan, nanoClock, progress).pairs(original, candidate);
    }

    private Runs pairs(Subject original, Subject candidate) throws InterruptedException {
        once(original);
        once(candidate);
        List<Rates> first = new ArrayList<>();
        List<Rates> second = new ArrayList<>();
        for (int pair = 0; pair < plan.pairs(); pair++) {
            if (pair % 2 == 0) {
                first.add(once(original));
                second.add(once(candidate));
            } else {
                second.add(once(candidate));
                first.add(once(original));
            }
        }
        return new Runs(List.copyOf(first), List.copyOf(second));
    }

    private Rates once(Subject subject) throws InterruptedException {
        int[] prompt = new int[plan.promptTokens()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = token(i, subject);
        }
        subject.clear();
        long start = nanoClock.getAsLong();
        feed(subject, prompt);
        long answered = nanoClock.getAsLong();
        for (int i = 0; i < plan.generatedTokens(); i++) {
            feed(subject, new int[] {token(prompt.length + i, subject)});
        }
        long end = nanoClock.getAsLong();
        return Rates.of(prompt.length, answered - start, plan.generatedTokens(), end - answered);
    }

    private void feed(Subject subject, int[] tokens) throws InterruptedException {
        long total = plan.tokens();
        if (Thread.interrupted()) {
            throw new InterruptedException("speed measurement interrupted at token " + fed + " of " + total);
        }
        subject.feed(tokens, progress.layers(fed, total, TOKENS + "; the next"));
        fed += tokens.length;
        progress.advance(fed, total, TOKENS);
    }

    /** Both models get the same tokens, whatever they would have chosen; the time does not depend on which. */
    private static int token(int position, Subject subject) {
        return (int) (position * 7919L % subject.vocabularySize());
    }
}
