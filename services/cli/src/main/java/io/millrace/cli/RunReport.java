package io.millrace.cli;

import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Event;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.Measurement;
import io.millrace.events.ModelPublished;
import io.millrace.events.OperatorRequest;
import io.millrace.events.RunChanged;
import io.millrace.events.StepDone;
import io.millrace.events.Verdict;
import io.millrace.events.wire.Topics;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * All there is to know of a run.
 *
 * @param state its last state
 * @param model what it published
 * @param attempts each try at each of its jobs, those that it shared with other runs too, as far as Kafka keeps them
 * @param requests what operators asked for
 */
record RunReport(
        RunChanged state, Optional<ModelPublished> model, List<Attempt> attempts, List<OperatorRequest> requests) {
    /** The clocks of workers and conductor differ by less. */
    private static final Duration CLOCK_DIFFERENCE = Duration.ofHours(1);

    static RunReport read(RunChanged state, TopicReader reader, Topics topics) {
        Optional<ModelPublished> model = reader.events(topics.models(), ModelPublished.class).stream()
                .filter(published -> published.run().equals(state.run()))
                .reduce((_, last) -> last);
        List<Event> events = reader.events(
                topics.jobEvents(), state.model().value(), state.requestedAt().minus(CLOCK_DIFFERENCE), Event.class);
        return new RunReport(state, model, Attempt.of(ofRun(state, events)), requests(state, events));
    }

    /** A job that several runs wait for names only the one that asked first, so its key counts too. */
    private static List<JobEvent> ofRun(RunChanged state, List<Event> events) {
        Set<JobKey> jobs = Stream.concat(
                        state.finished().stream(),
                        state.tried().stream().flatMap(candidate -> candidate.steps().stream()))
                .map(StepDone::job)
                .collect(Collectors.toSet());
        state.job().ifPresent(jobs::add);
        return events.stream()
                .filter(JobEvent.class::isInstance)
                .map(JobEvent.class::cast)
                .filter(event -> event.job().run().equals(state.run())
                        || jobs.contains(event.job().key()))
                .toList();
    }

    private static List<OperatorRequest> requests(RunChanged state, List<Event> events) {
        return events.stream()
                .filter(OperatorRequest.class::isInstance)
                .map(OperatorRequest.class::cast)
                .filter(request -> request.run().equals(state.run()))
                .toList();
    }

    String text() {
        StringBuilder text = new StringBuilder();
        line(text, "run", state.run().toString());
        line(text, "model", state.model() + " " + state.version());
        line(text, "target", state.target() + " of policy " + state.policy());
        line(text, "status", state.status().wireName() + (state.message().isEmpty() ? "" : ": " + state.message()));
        line(text, "requested", state.requestedAt() + ", last change " + state.at());
        state.failure()
                .ifPresent(failure -> line(text, "failure", failure.reason().code() + ": " + failure.message()));
        for (Candidate candidate : state.tried()) {
            text.append('\n')
                    .append(rung(candidate.rung()))
                    .append(candidate.recipe())
                    .append('\n');
            steps(text, candidate.steps());
            switch (candidate.outcome()) {
                case Candidate.Judged judged -> decision(text, judged.decision());
                case Candidate.StepFailed failed ->
                    text.append("  failed: ")
                            .append(failed.failure().reason().code())
                            .append(": ")
                            .append(failed.failure().message())
                            .append('\n');
            }
        }
        model.ifPresentOrElse(published -> published(text, published), () -> current(text));
        if (!attempts.isEmpty()) {
            text.append("\nattempts\n");
            attempts.forEach(attempt -> text.append("  ").append(attempt.text()).append('\n'));
        }
        if (!requests.isEmpty()) {
            text.append("\nrequests\n");
            requests.forEach(
                    request -> text.append("  ").append(describe(request)).append('\n'));
        }
        return text.toString();
    }

    private static String describe(OperatorRequest request) {
        return request.at() + "  " + request.kind().name().toLowerCase(Locale.ROOT) + " by " + request.who()
                + (request.why().isEmpty() ? "" : ": " + request.why());
    }

    private void current(StringBuilder text) {
        if (state.status().ended() && state.finished().isEmpty()) {
            return;
        }
        text.append('\n').append(rung(state.rung())).append('\n');
        steps(text, state.finished());
        state.stage()
                .filter(_ -> !state.status().ended())
                .ifPresent(stage -> text.append("  ")
                        .append(stage.wireName())
                        .append(state.started() ? " at work" : " waits")
                        .append(state.device().map(device -> " on " + device).orElse(""))
                        .append(", attempt ")
                        .append(state.attempt())
                        .append(state.total() > 0 ? ", " + state.done() + " of " + state.total() : "")
                        .append('\n'));
    }

    private void published(StringBuilder text, ModelPublished published) {
        text.append('\n')
                .append(rung(published.rung()))
                .append(published.recipe())
                .append('\n');
        steps(text, state.finished());
        decision(text, published.decision());
        line(
                text,
                "published",
                published.format() + " " + published.type() + ", " + Text.bytes(published.sizeBytes()) + " of "
                        + Text.bytes(published.originalBytes()));
        line(text, "artifact", published.artifact().manifest().hex());
    }

    private String rung(int rung) {
        return "rung " + (rung + 1) + " of " + state.rungs() + "  ";
    }

    private static void steps(StringBuilder text, List<StepDone> steps) {
        for (StepDone step : steps) {
            text.append("  ")
                    .append(step.stage().wireName())
                    .append(' ')
                    .append(step.name())
                    .append(" on ")
                    .append(step.device())
                    .append(": ")
                    .append(Text.bytes(step.sizeBytes()))
                    .append(
                            step.fromStore()
                                    ? ", from the store"
                                    : ", " + Text.duration(step.cost().compute()))
                    .append(", attempt ")
                    .append(step.attempt())
                    .append(", artifact ")
                    .append(step.output().manifest().abbreviated())
                    .append('\n');
        }
    }

    private static void decision(StringBuilder text, Decision decision) {
        for (Measurement measurement : decision.evidence()) {
            text.append("  ").append(MeasurementText.of(measurement)).append('\n');
        }
        for (Verdict verdict : decision.verdicts()) {
            text.append(verdict.kept() ? "  kept    " : "  broken  ")
                    .append(verdict.explanation())
                    .append('\n');
        }
        text.append(
                switch (decision) {
                    case Decision.Accepted _ -> "  accepted\n";
                    case Decision.Refused _ -> "  refused\n";
                });
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(String.format("%-10s %s%n", name, value));
    }
}
