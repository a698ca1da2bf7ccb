package io.millrace.worker;

import io.millrace.events.Parameters;
import io.millrace.events.StageName;
import java.util.List;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;

/** The stages of one worker. Several may share a queue: a benchmark of quality and one of speed. */
public record Stages(List<Stage<?>> all) {
    public Stages {
        all = List.copyOf(all);
        if (all.isEmpty()) {
            throw new IllegalArgumentException("a worker has at least one stage");
        }
    }

    /** The queues that these stages work on. */
    public SortedSet<StageName> names() {
        SortedSet<StageName> names = new TreeSet<>();
        all.forEach(stage -> names.add(nameOf(stage.parameters())));
        return names;
    }

    /** The stage that understands these parameters. */
    public Optional<Stage<?>> of(Parameters parameters) {
        for (Stage<?> stage : all) {
            if (stage.parameters().isInstance(parameters)) {
                return Optional.of(stage);
            }
        }
        return Optional.empty();
    }

    private static StageName nameOf(Class<?> parameters) {
        if (Parameters.Prune.class.isAssignableFrom(parameters)) {
            return StageName.PRUNE;
        }
        if (Parameters.Distill.class.isAssignableFrom(parameters)) {
            return StageName.DISTILL;
        }
        if (Parameters.Quantize.class.isAssignableFrom(parameters)) {
            return StageName.QUANTIZE;
        }
        if (Parameters.Benchmark.class.isAssignableFrom(parameters)) {
            return StageName.BENCHMARK;
        }
        throw new IllegalArgumentException(
                parameters + " belongs to no stage; expected Prune, Distill, Quantize, Benchmark or a part of one");
    }
}
