package io.millrace.conductor.topology;

import io.micrometer.core.instrument.Tags;
import io.millrace.conductor.run.Draft;
import io.millrace.conductor.run.Output;
import io.millrace.conductor.run.RunReport;
import io.millrace.conductor.run.RunState;
import io.millrace.conductor.run.Tables;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunChanged;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** What one task shows of its models' runs, until it ends or another conductor takes it over. */
final class TaskMetrics {
    private final ConductorMetrics metrics;
    private final Set<RunId> open = new HashSet<>();
    private final Set<Tags> models = new HashSet<>();

    TaskMetrics(ConductorMetrics metrics) {
        this.metrics = metrics;
    }

    void start(Tables tables) {
        tables.open()
                .forEach(
                        "",
                        (_, run) -> count(
                                run.id(), RunReport.status(run), run.request().at()));
        latestModels(tables).forEach(this::show);
    }

    void follow(Draft draft) {
        for (Output output : draft.outputs()) {
            if (output instanceof Output.Publish(RunChanged run)) {
                count(run.run(), run.status(), run.requestedAt());
            } else if (output instanceof Output.PublishLatest(ModelPublished latest)) {
                show(latest);
            }
        }
    }

    void takeBack() {
        open.forEach(metrics::leaves);
        models.forEach(metrics.models()::hide);
    }

    private void show(ModelPublished latest) {
        models.add(metrics.models().show(latest));
    }

    private void count(RunId run, RunStatus status, Instant requestedAt) {
        metrics.stands(run, status, requestedAt);
        if (status.ended()) {
            open.remove(run);
        } else {
            open.add(run);
        }
    }

    /** The newest published version of each model for each target, among the runs that are remembered. */
    private static Collection<ModelPublished> latestModels(Tables tables) {
        Map<String, ModelPublished> latest = new HashMap<>();
        tables.ended().forEach("", (_, run) -> {
            if (run instanceof RunState.Published published) {
                ModelPublished event = published.event();
                latest.merge(
                        event.model() + "|" + event.policy() + "|" + event.target(),
                        event,
                        (one, other) -> one.source().isNewerThan(other.source()) ? one : other);
            }
        });
        return latest.values();
    }
}
