package io.millrace.cli.demo;

import java.util.List;

/**
 * Which part of the demo reads a text. Each split has its own people and things, so that a model that only memorised its
 * training text shows it on the others.
 */
@SuppressWarnings("ImmutableEnumChecker") // the lists are those of List.of
enum Split {
    TRAIN(
            1,
            List.of(
                    "Mira", "Tobias", "Anouk", "Felix", "Greta", "Hanno", "Ines", "Jonas", "Katrin", "Levin", "Marta",
                    "Nils", "Olga", "Pavel", "Rosa", "Stefan", "Tilda", "Viktor", "Wanda", "Yusuf", "Adele", "Bruno",
                    "Clara", "Dimitri", "Emilia", "Fabian", "Hedwig", "Igor", "Judith", "Konrad", "Lotte", "Milan"),
            List.of(
                    "kite",
                    "lantern",
                    "basket",
                    "drum",
                    "feather",
                    "bottle",
                    "ladder",
                    "mirror",
                    "blanket",
                    "button",
                    "compass",
                    "hammer",
                    "kettle",
                    "letter",
                    "marble",
                    "needle",
                    "orange",
                    "pebble",
                    "ribbon",
                    "saddle",
                    "teapot",
                    "umbrella",
                    "violin",
                    "wagon",
                    "candle",
                    "bucket",
                    "anchor",
                    "broom",
                    "carpet",
                    "dish",
                    "flute",
                    "glove")),
    DISTILL(
            2,
            List.of(
                    "Aaron", "Bella", "Cosmo", "Daria", "Edwin", "Frieda", "Gustav", "Hilda", "Ivan", "Jasmin", "Karel",
                    "Linus", "Maja", "Noemi", "Oskar", "Petra"),
            List.of(
                    "acorn", "bell", "coin", "doll", "easel", "fan", "goblet", "helmet", "jar", "kayak", "locket",
                    "mask", "net", "oar", "pencil", "quilt")),
    EVALUATION(
            3,
            List.of(
                    "Ada", "Boris", "Celia", "Dorian", "Elsa", "Fritz", "Gloria", "Hugo", "Irma", "Jakob", "Kira",
                    "Leon", "Mona", "Niko", "Ottilie", "Paul"),
            List.of(
                    "apron",
                    "brush",
                    "clock",
                    "dagger",
                    "eraser",
                    "fork",
                    "globe",
                    "hat",
                    "iron",
                    "jug",
                    "knot",
                    "ladle",
                    "mitten",
                    "notebook",
                    "organ",
                    "pillow"));

    private final long seed;
    private final List<String> names;
    private final List<String> things;

    Split(long seed, List<String> names, List<String> things) {
        this.seed = seed;
        this.names = names;
        this.things = things;
    }

    /** Mixed into the seed of its stories. */
    long seed() {
        return seed;
    }

    List<String> names() {
        return names;
    }

    List<String> things() {
        return things;
    }
}
