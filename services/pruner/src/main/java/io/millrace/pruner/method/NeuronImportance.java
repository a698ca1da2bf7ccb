package io.millrace.pruner.method;

import java.io.IOException;
import java.util.List;

/** By what neurons are ranked. */
public sealed interface NeuronImportance permits WeightImportance, ActivationImportance {
    /** Told of weights that were read or computed with, from the working thread. */
    @FunctionalInterface
    interface Visits {
        void add(long weights, String what);
    }

    /** How much each neuron matters beside the others of its layer, layer by layer; none is negative. */
    List<double[]> ofLayers(Visits visits) throws IOException, InterruptedException;

    /** How many weights {@link #ofLayers} tells of in all. */
    long visits();
}
