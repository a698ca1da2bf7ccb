package io.millrace.cli.demo;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Writes little stories from a seed: the same seed and split give the same text. The choices are many enough that a small
 * model can learn how such stories go, but not what comes next for certain.
 */
final class StoryWriter {
    private static final List<String> TIMES = List.of(
            "One morning",
            "Late at night",
            "After the rain",
            "In early spring",
            "On a cold day",
            "Before breakfast",
            "At noon",
            "When the wind rose",
            "Last summer",
            "On market day",
            "During the storm",
            "At the first frost");
    private static final List<String> PLACES = List.of(
            "by the river",
            "in the old mill",
            "behind the barn",
            "under the bridge",
            "near the chapel",
            "at the harbour",
            "on the hill",
            "beside the well",
            "in the orchard",
            "along the canal",
            "at the edge of the forest",
            "in the attic",
            "across the meadow",
            "outside the bakery");
    private static final List<String> COLOURS = List.of(
            "red", "blue", "golden", "dusty", "tiny", "broken", "heavy", "silver", "green", "painted", "wooden",
            "shiny", "crooked", "soft");
    private static final List<String> FOUND =
            List.of("found", "lost", "carried", "hid", "mended", "sold", "borrowed", "painted", "dropped", "wrapped");
    private static final List<String> MOVED =
            List.of("walked", "ran", "crept", "hurried", "wandered", "climbed", "danced", "rode");
    private static final List<String> FELT =
            List.of("proud", "sad", "curious", "tired", "brave", "angry", "lonely", "cheerful", "shy", "hungry");
    private static final List<String> ANIMALS =
            List.of("dog", "goose", "cat", "fox", "horse", "owl", "goat", "hedgehog", "crow", "mouse");
    private static final List<String> SAID = List.of(
            "Look what I have",
            "Nobody will believe this",
            "We should go home",
            "Keep it safe for me",
            "It was never mine",
            "Come back tomorrow",
            "I know a better way",
            "Give it to the miller");

    private final Split split;
    private final SplittableRandom random;

    StoryWriter(Split split, long seed) {
        this.split = split;
        this.random = new SplittableRandom(seed * 31 + split.seed());
    }

    /** Whole stories, at least this many characters together. */
    String write(int characters) {
        StringBuilder text = new StringBuilder(characters + 1000);
        while (text.length() < characters) {
            story(text);
        }
        return text.toString();
    }

    /** Share of the distinct sentences of {@code text} that {@code other} has too. */
    static double sharedSentences(String text, String other) {
        Set<String> own = sentences(text);
        Set<String> shared = new HashSet<>(own);
        shared.retainAll(sentences(other));
        return (double) shared.size() / own.size();
    }

    private static Set<String> sentences(String text) {
        return new HashSet<>(List.of(text.strip().split("(?<=[.!?])\\s+")));
    }

    private void story(StringBuilder text) {
        String hero = pick(split.names());
        String friend = pick(split.names());
        String thing = pick(split.things());
        text.append(pick(TIMES))
                .append(", ")
                .append(hero)
                .append(' ')
                .append(pick(FOUND))
                .append(" a ")
                .append(pick(COLOURS))
                .append(' ')
                .append(thing)
                .append(' ')
                .append(pick(PLACES))
                .append(". ");
        int sentences = 3 + random.nextInt(4);
        for (int i = 0; i < sentences; i++) {
            sentence(text, hero, friend, thing);
        }
        text.append("In the end ")
                .append(random.nextBoolean() ? hero : friend)
                .append(" kept the ")
                .append(thing)
                .append(" and felt ")
                .append(pick(FELT))
                .append(".\n");
    }

    private void sentence(StringBuilder text, String hero, String friend, String thing) {
        String person = random.nextBoolean() ? hero : friend;
        switch (random.nextInt(6)) {
            case 0 ->
                text.append(person)
                        .append(' ')
                        .append(pick(MOVED))
                        .append(' ')
                        .append(pick(PLACES))
                        .append(" with the ")
                        .append(thing)
                        .append(". ");
            case 1 ->
                text.append('"')
                        .append(pick(SAID))
                        .append(",\" said ")
                        .append(person)
                        .append(". ");
            case 2 ->
                text.append("The ")
                        .append(pick(COLOURS))
                        .append(' ')
                        .append(pick(ANIMALS))
                        .append(' ')
                        .append(pick(MOVED))
                        .append(" after ")
                        .append(person)
                        .append(". ");
            case 3 ->
                text.append(hero)
                        .append(" showed the ")
                        .append(thing)
                        .append(" to ")
                        .append(friend)
                        .append(", who was ")
                        .append(pick(FELT))
                        .append(". ");
            case 4 ->
                text.append(person)
                        .append(' ')
                        .append(pick(FOUND))
                        .append(" another ")
                        .append(pick(split.things()))
                        .append(' ')
                        .append(pick(PLACES))
                        .append(". ");
            default ->
                text.append(pick(TIMES))
                        .append(" the ")
                        .append(pick(ANIMALS))
                        .append(" slept ")
                        .append(pick(PLACES))
                        .append(", and ")
                        .append(person)
                        .append(" was ")
                        .append(pick(FELT))
                        .append(". ");
        }
    }

    private String pick(List<String> choices) {
        return choices.get(random.nextInt(choices.size()));
    }
}
