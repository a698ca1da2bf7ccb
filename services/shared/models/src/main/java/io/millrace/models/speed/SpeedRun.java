package io.millrace.models.speed;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** The alternation of original and candidate, whatever runs them. */
public final class SpeedRun {
    private SpeedRun() {}

    /** A loaded model with a context of its own. */
    public interface Subject {
        int vocabularySize();

        /** Forgets all positions. */
        void clear();

        /** Feeds tokens behind those fed before and returns when the logits of the last one are there. */
        void feed(int[] tokens);
    }

    /** All measured runs; the order within a pair turns with each pair, so that drift hits both alike. */
    public record Runs(List<Rates> original, List<Rates> candidate) {}

    /** @param nanoClock a monotonic clock, nanoseconds */
    public static Runs alternate(Subject original, Subject candidate, SpeedPlan plan, LongSupplier nanoClock)
            throws InterruptedException {
        once(original, plan, nanoClock);
        once(candidate, plan, nanoClock);
        List<Rates> first = new ArrayList<>();
        List<Rates> second = new ArrayList<>();
        for (int pair = 0; pair < plan.pairs(); pair++) {
            if (Thread.interrupted()) {
                throw new InterruptedException("speed measurement interrupted at pair " + pair);
            }
            if (pair % 2 == 0) {
                first.add(once(original, plan, nanoClock));
                second.add(once(candidate, plan, nanoClock));
            } else {
                second.add(once(candidate, plan, nanoClock));
                first.add(once(original, plan, nanoClock));
            }
        }
        return new Runs(List.copyOf(first), List.copyOf(second));
    }

    private static Rates once(Subject subject, SpeedPlan plan, LongSupplier nanoClock) {
        int[] prompt = new int[plan.promptTokens()];
        for (int i = 0; i < prompt.length; i++) {
            prompt[i] = token(i, subject);
        }
        subject.clear();
        long start = nanoClock.getAsLong();
        subject.feed(prompt);
        long answered = nanoClock.getAsLong();
        for (int i = 0; i < plan.generatedTokens(); i++) {
            subject.feed(new int[] {token(prompt.length + i, subject)});
        }
        long end = nanoClock.getAsLong();
        return Rates.of(prompt.length, answered - start, plan.generatedTokens(), end - answered);
    }

    /** Both models get the same tokens, whatever they would have chosen; the time does not depend on which. */
    private static int token(int position, Subject subject) {
        return (int) (position * 7919L % subject.vocabularySize());
    }
}
