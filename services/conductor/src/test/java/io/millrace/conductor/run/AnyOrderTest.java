package io.millrace.conductor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.conductor.Answers;
import io.millrace.conductor.Given;
import io.millrace.events.ArtifactRef;
import io.millrace.events.CheckpointPublished;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.Reason;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.Target;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Promises 1 and 3: whatever the order of events, and however many are lost, doubled or late, every run ends with one
 * decision, and nothing that is done or under way is issued again.
 */
class AnyOrderTest {
    private static final int SEEDS = 60;
    private static final int CHAOS_STEPS = 250;
    private static final int CALM_ROUNDS = 300;

    private static final List<Reason> REASONS = List.of(Reason.values());

    private World world = new World();
    private Random random = new Random();
    private final List<JobEvent> onTheWay = new ArrayList<>();
    private final Set<String> doneForRun = new HashSet<>();
    private final Map<TicketId, Instant> queuedSince = new HashMap<>();
    private final Set<JobKey> cancelled = new HashSet<>();
    private final Map<RunId, Integer> retries = new HashMap<>();
    private final List<Job> issued = new ArrayList<>();
    private int seenOutputs;
    private int versions;
    private long revision;

    static LongStream seeds() {
        String one = System.getProperty("millrace.seed");
        return one == null ? LongStream.range(0, SEEDS) : LongStream.of(Long.parseLong(one));
    }

    @ParameterizedTest(name = "-Dmillrace.seed={0}")
    @MethodSource("seeds")
    @Tag("promise-1")
    @Tag("promise-3")
    @DisplayName("Promises 1 and 3: every run ends once, and nothing done is issued again, in any order of events")
    void everyRunEndsOnceAndNothingDoneIsIssuedAgain(long seed) {
        random = new Random(seed);
        world = new World();

        for (int i = 0; i < CHAOS_STEPS; i++) {
            disturb();
        }
        calmDown();

        assertThat(world.openRuns()).isEmpty();
        Map<RunId, RunChanged> last = world.published(RunChanged.class).stream()
                .collect(Collectors.toMap(RunChanged::run, Function.identity(), (_, later) -> later));
        assertThat(last).isNotEmpty();
        assertThat(last.values()).allMatch(run -> run.status().ended());
        last.forEach((id, run) -> {
            long published = count(ModelPublished.class, ModelPublished::run, id);
            long rejected = count(ModelRejected.class, ModelRejected::run, id);
            long failed = count(RunFailed.class, RunFailed::run, id);
            assertThat(published).isEqualTo(run.status() == RunStatus.PUBLISHED ? 1 : 0);
            assertThat(rejected).isEqualTo(run.status() == RunStatus.REJECTED ? 1 : 0);
            assertThat(failed).isBetween(run.status() == RunStatus.FAILED ? 1L : 0L, 1L + retries.getOrDefault(id, 0));
        });
        latestOnlyMovedForward();
    }

    private void disturb() {
        switch (random.nextInt(20)) {
            case 0, 1 -> publish();
            case 2 -> change(() -> world.apply(policy()));
            case 3 -> pass(Duration.ofSeconds(random.nextInt(400)));
            case 4 -> pass(Duration.ofMinutes(random.nextInt(30)));
            case 5 -> restart();
            case 6 -> request();
            case 7 -> {
                if (random.nextInt(10) == 0) {
                    change(() -> world.delete(policy()));
                }
            }
            default -> deliver();
        }
    }

    /** Everything arrives from now on, in order. */
    private void calmDown() {
        onTheWay.clear();
        issued.forEach(this::answerWell);
        for (int round = 0; round < CALM_ROUNDS && !world.openRuns().isEmpty(); round++) {
            List<JobEvent> arrived = List.copyOf(onTheWay);
            onTheWay.clear();
            arrived.forEach(this::hear);
            pass(round % 10 == 9 ? Duration.ofDays(8) : Duration.ofMinutes(3));
            issued.stream().skip(Math.max(0, issued.size() - 50L)).forEach(this::answerWell);
        }
    }

    private void publish() {
        if (versions > 0 && random.nextInt(4) == 0) {
            CheckpointPublished again = checkpoint(random.nextInt(versions));
            change(() -> world.publish(
                    switch (random.nextInt(3)) {
                        case 0 -> Given.withWeights(again, "other " + again.version());
                        case 1 -> Moved.at(elsewhere(again.artifact()), again);
                        default -> again;
                    }));
            return;
        }
        CheckpointPublished checkpoint = checkpoint(versions++);
        change(() -> world.publish(checkpoint, checkpoint.publishedAt()));
    }

    /** Later versions are not always newer. */
    private static CheckpointPublished checkpoint(int version) {
        return Given.checkpoint(Given.MODEL, "v" + version, Given.START.plusSeconds((version * 7919L) % 1000));
    }

    private ArtifactRef elsewhere(ArtifactRef artifact) {
        return new ArtifactRef(artifact.manifest(), URI.create("file:/runs/" + random.nextInt(3)));
    }

    private Policy policy() {
        revision++;
        Policy.OnNewer onNewer = random.nextBoolean() ? Policy.OnNewer.KEEP : Policy.OnNewer.SUPERSEDE;
        Target[] targets = {
            Given.target(
                    "phone", Given.recipe(Given.neurons(), Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q4_K_M"))),
            Given.target("laptop", Given.recipe(Given.gguf("Q4_K_M")), Given.recipe(Given.gguf("Q6_K"))),
            Given.target(
                    "fast",
                    Given.H100,
                    List.of(Given.quality(), Given.faster()),
                    Given.recipe(Given.H100, Given.gguf(random.nextBoolean() ? "Q4_K_M" : "Q5_K_M")))
        };
        return new Policy("chat-models", "chat-*", onNewer, List.of(targets), revision, 1 + random.nextInt(4));
    }

    private void request() {
        List<RunState> runs = new ArrayList<>(world.openRuns());
        runs.addAll(world.endedRuns());
        if (runs.isEmpty()) {
            return;
        }
        RunState run = runs.get(random.nextInt(runs.size()));
        if (random.nextInt(4) == 0) {
            change(() -> world.ask(OperatorRequest.Kind.CANCEL, run.id()));
        } else {
            if (run instanceof RunState.Failed) {
                retries.merge(run.id(), 1, Integer::sum);
                // At the end of its ladder it goes back to a candidate that nobody judged, whose steps the store has.
                doneForRun.removeIf(done ->
                        run.position().rung() == run.request().target().ladder().size()
                                && done.startsWith(run.id().toString()));
            }
            change(() -> world.ask(OperatorRequest.Kind.RETRY, run.id()));
        }
    }

    private void restart() {
        Duration away = random.nextBoolean() ? Duration.ofDays(1) : Duration.ofSeconds(10);
        world.restartAfter(away);
    }

    /** A worker may say anything of any job that ever was, more than once, or never. */
    private void deliver() {
        if (onTheWay.isEmpty()) {
            return;
        }
        int index = random.nextInt(onTheWay.size());
        JobEvent event = onTheWay.get(index);
        if (random.nextInt(5) != 0) {
            onTheWay.remove(index);
        }
        if (random.nextInt(6) != 0) {
            hear(event);
        }
    }

    private void hear(JobEvent event) {
        JobKey key = event.job().key();
        List<Ticket> before = world.tickets().stream()
                .filter(ticket -> ticket.key().equals(key))
                .toList();
        change(() -> world.hear(event));
        if (event instanceof JobEvent.JobSucceeded) {
            before.forEach(standing -> standing.waiting().forEach(run -> doneForRun.add(run + " " + key)));
            assertThat(world.tickets())
                    .as("a result ends the job for every device")
                    .noneMatch(ticket -> ticket.key().equals(key) && !ticket.isAbandoned());
        }
    }

    /** Something other than time: it issues only what has no ticket, or what failed where its checkpoint lay before. */
    private void change(Runnable change) {
        Map<TicketId, Ticket> before = tickets();
        change.run();
        for (Job job : newJobs()) {
            Ticket standing = before.get(id(job));
            assertThat(standing == null
                            || standing.isAbandoned()
                            || !standing.job().inputs().equals(job.inputs()))
                    .as("job %s was under way and is issued again", job.key())
                    .isTrue();
            queuedSince.put(id(job), world.now());
        }
        memoryIsConsistent();
    }

    private void pass(Duration time) {
        for (TicketId id : world.wait(time)) {
            Map<TicketId, Ticket> before = tickets();
            world.wake(id);
            for (Job job : newJobs()) {
                Ticket standing = before.get(id(job));
                assertThat(standing == null || mayBeIssued(standing, job))
                        .as("%s is issued again while it was %s", job, standing)
                        .isTrue();
                queuedSince.put(id(job), world.now());
            }
            memoryIsConsistent();
        }
        memoryIsConsistent();
    }

    private boolean mayBeIssued(Ticket standing, Job again) {
        return switch (standing.phase()) {
            case Ticket.Paused pause -> !pause.until().isAfter(world.now());
            case Ticket.Queued _ -> {
                Instant since = queuedSince.get(id(again));
                yield !since.isAfter(world.now().minus(Limits.DEFAULT.queue()));
            }
            case Ticket.Abandoned _ -> true;
            // Its last attempt was lost, and another run asks for it, which begins to count anew.
            case Ticket.Running _ ->
                standing.job().attempt() - standing.firstAttempt() + 1 >= Limits.DEFAULT.attempts()
                        && !standing.waiting().contains(again.run());
        };
    }

    private List<Job> newJobs() {
        List<Output> outputs = world.outputsAfter(seenOutputs);
        List<Job> jobs = new ArrayList<>();
        for (Output output : outputs) {
            if (output instanceof Output.Publish(Job job)) {
                assertThat(doneForRun).as("nothing done is issued again").doesNotContain(job.run() + " " + job.key());
                jobs.add(job);
                answerSomehow(job);
            }
            if (output instanceof Output.Publish(JobCancelled event)) {
                cancelled.add(event.job());
            } else if (output instanceof Output.RestoreJob restored) {
                cancelled.remove(restored.job());
            } else if (output instanceof Output.ForgetRun(RunId withdrawn)) {
                doneForRun.removeIf(done -> done.startsWith(withdrawn.toString()));
            }
        }
        seenOutputs += outputs.size();
        issued.addAll(jobs);
        return jobs;
    }

    private void answerSomehow(Job job) {
        Instant at = Given.START.plusMillis(random.nextInt(1_000_000));
        if (random.nextInt(8) != 0) {
            onTheWay.add(Answers.started(job, at));
        }
        if (random.nextInt(3) == 0) {
            onTheWay.add(Answers.progressed(job, at.plusMillis(1), 10));
        }
        switch (random.nextInt(10)) {
            case 0 -> {}
            case 1, 2, 3 -> {
                Reason reason = REASONS.get(random.nextInt(REASONS.size()));
                onTheWay.add(Answers.failed(job, at.plusMillis(2), reason));
            }
            default -> onTheWay.add(Answers.succeeded(job, at.plusMillis(2), random.nextInt(3) == 0 ? 0.2 : 0.01));
        }
    }

    private void answerWell(Job job) {
        onTheWay.add(Answers.started(job, world.now()));
        onTheWay.add(Answers.succeeded(job, world.now(), 0.01));
    }

    private void memoryIsConsistent() {
        Map<TicketId, Ticket> tickets = tickets();
        assertThat(world.deadlines()).isEqualTo(tickets.size());
        Set<RunId> open = new HashSet<>();
        for (RunState.Open run : world.openRuns()) {
            open.add(run.id());
            assertThat(tickets.get(
                            new TicketId(run.model(), run.job().key(), run.job().device())))
                    .as("run %s waits for a job that is under way", run.id())
                    .isNotNull()
                    .satisfies(ticket -> assertThat(ticket.waiting()).contains(run.id()));
        }
        assertThat(world.endedRuns()).noneMatch(run -> open.contains(run.id()));
        for (Ticket ticket : tickets.values()) {
            assertThat(open).containsAll(ticket.waiting());
            assertThat(ticket.isAbandoned() || !cancelled.contains(ticket.key()))
                    .as("workers do what somebody waits for: %s", ticket)
                    .isTrue();
        }
    }

    private void latestOnlyMovedForward() {
        Map<String, CheckpointPublished> latest = new HashMap<>();
        for (Output output : world.outputs()) {
            if (output instanceof Output.PublishLatest(ModelPublished model)) {
                CheckpointPublished before = latest.put(model.target(), model.source());
                assertThat(before == null || !before.isNewerThan(model.source()))
                        .isTrue();
            }
        }
    }

    private Map<TicketId, Ticket> tickets() {
        return world.tickets().stream().collect(Collectors.toMap(TicketId::of, Function.identity()));
    }

    private static TicketId id(Job job) {
        return new TicketId(job.model(), job.key(), job.device());
    }

    private <E extends Event> long count(Class<E> kind, Function<E, RunId> run, RunId id) {
        return world.published(kind).stream()
                .filter(event -> run.apply(event).equals(id))
                .count();
    }
}
