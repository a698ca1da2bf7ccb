package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.millrace.events.Candidate;
import io.millrace.events.Decision;
import io.millrace.events.Failure;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.ModelName;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Reason;
import io.millrace.events.RunId;
import io.millrace.events.RunStatus;
import io.millrace.events.StageName;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Stores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that show runs and models and ask something of runs, and which of a topic's events they take. */
final class RunCommandsIT {
    private static final RunId PUBLISHED = KnownEvents.run("published");
    private static final RunId WORKING = KnownEvents.run("working");
    private static final RunId FAILED = KnownEvents.run("failed");
    private static final RunId FORGOTTEN = KnownEvents.run("forgotten");
    private static final ModelName OTHER = new ModelName("small");
    private static final Decision.Accepted ACCEPTED = new Decision.Accepted(List.of(), List.of());

    @TempDir
    static Path folder;

    private static CommandBroker broker;
    private static Path store;

    /** Runs of two models; one of them works at a job that another one asked for first, and began with another's result. */
    @BeforeAll
    static void tell() throws Exception {
        broker = CommandBroker.start(folder.resolve("kafka"));
        store = folder.resolve("store");
        Candidate tried = new Candidate(
                0,
                "prune",
                List.of(KnownEvents.step(StageName.PRUNE, "neurons", 1, 5, false)),
                Optional.empty(),
                new Candidate.StepFailed(new Failure(Reason.DIVERGED, "the loss is NaN")));
        broker.send(
                KnownEvents.state(FORGOTTEN, RunStatus.CANCELLED, 0),
                KnownEvents.state(WORKING, RunStatus.REQUESTED, 20),
                KnownEvents.state(FAILED, OTHER, RunStatus.FAILED, 30, 0, failure(), List.of(), List.of()),
                KnownEvents.state(PUBLISHED, RunStatus.PUBLISHED, 10),
                KnownEvents.state(
                        WORKING,
                        KnownEvents.CHAT,
                        RunStatus.WORKING,
                        20,
                        1,
                        Optional.empty(),
                        List.of(),
                        List.of(tried)));
        broker.delete(CommandBroker.TOPICS.runs(), FORGOTTEN.toString());
        broker.send(
                started("current", PUBLISHED, 1, "host:1:shared"),
                started("job of neurons", PUBLISHED, 2, "host:2:tried"),
                started("another", PUBLISHED, 3, "host:3:stranger"),
                started("own", WORKING, 4, "host:4:own"),
                request(PUBLISHED, "ben"),
                request(WORKING, "ana"));
        tellOfModels();
    }

    private static void tellOfModels() throws Exception {
        Path files = Files.createDirectory(folder.resolve("files"));
        Files.writeString(files.resolve("model.gguf"), "GGUF");
        try (ArtifactStore artifacts = Stores.open(store.toString())) {
            var artifact = artifacts.publishFolder(files, new TreeMap<>());
            var former = KnownEvents.model(PUBLISHED, "4000", KnownEvents.artifact("former"), ACCEPTED, 11);
            var again = KnownEvents.model(PUBLISHED, "4000", artifact, ACCEPTED, 12);
            broker.send(
                    former,
                    again,
                    KnownEvents.model(KnownEvents.run("newer"), "5000", KnownEvents.artifact("newer"), ACCEPTED, 13));
            broker.sendLatest(again);
        }
    }

    @AfterAll
    static void stop() throws IOException {
        broker.close();
    }

    private static Optional<Failure> failure() {
        return Optional.of(new Failure(Reason.DISK_FULL, "no room"));
    }

    private static JobStarted started(String job, RunId run, int minute, String worker) {
        return new JobStarted(KnownEvents.ref(job, run, 1), KnownEvents.at(minute), worker, 1);
    }

    private static OperatorRequest request(RunId run, String who) {
        return new OperatorRequest(KnownEvents.CHAT, run, OperatorRequest.Kind.RETRY, who, "", KnownEvents.at(5));
    }

    private static JsonNode json(String... arguments) throws IOException {
        Said said = broker.to(arguments);
        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        return new ObjectMapper().readTree(said.out());
    }

    private static List<String> runs(String... options) throws IOException {
        String[] command = new String[options.length + 3];
        command[0] = "runs";
        command[1] = "--output";
        command[2] = "json";
        System.arraycopy(options, 0, command, 3, options.length);
        return json(command).findValuesAsText("run");
    }

    @Test
    void runsAreTheirLastStateTheNewestFirst() throws Exception {
        assertThat(runs()).containsExactly(FAILED.toString(), WORKING.toString(), PUBLISHED.toString());
        assertThat(runs("--model", "chat-7b")).containsExactly(WORKING.toString(), PUBLISHED.toString());
        assertThat(runs("--active")).containsExactly(WORKING.toString());
        assertThat(broker.to("runs", "--model", "chat").out()).isEqualToIgnoringNewLines("no runs of model chat");
    }

    @Test
    void aRunIsShownWithEachTryAtItsJobsWhoeverAskedForThemFirst() throws Exception {
        JsonNode report = json("show", WORKING.toString().substring(0, 6), "--output", "json");

        assertThat(report.at("/state/run").asText()).isEqualTo(WORKING.toString());
        assertThat(report.at("/state/status").asText()).isEqualTo("working");
        assertThat(report.get("attempts").findValuesAsText("worker"))
                .containsExactly("host:1:shared", "host:2:tried", "host:4:own");
        assertThat(report.get("requests").findValuesAsText("who"))
                .contains("ana")
                .doesNotContain("ben");
        assertThat(report.has("model")).isFalse();
        assertThat(broker.to("show", "ff").exitCode()).isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    void ofAModelThatWasComputedAnewTheLastIsShown() throws Exception {
        JsonNode report = json("show", PUBLISHED.toString(), "--output", "json");

        assertThat(report.at("/model/at").asText()).isEqualTo(KnownEvents.at(12).toString());
    }

    @Test
    void modelsAreListedTheNewestFirstWithTheirSizeAndItsShare() throws Exception {
        assertThat(json("models", "--output", "json").findValuesAsText("at"))
                .startsWith(KnownEvents.at(13).toString(), KnownEvents.at(12).toString());
        assertThat(json("models", "--latest", "--output", "json")).hasSize(1);
        assertThat(json("models", "--model", "small", "--output", "json")).isEmpty();
        assertThat(broker.to("models").out().lines().skip(1).findFirst())
                .hasValueSatisfying(row -> assertThat(row.split(" {2,}"))
                        .containsExactly(
                                "chat-7b",
                                "5000",
                                "phone",
                                "gguf Q4_K_M",
                                "3.0 MiB",
                                "38 %",
                                "quantize Q4_K_M",
                                KnownEvents.artifact("newer").manifest().abbreviated()));
    }

    @Test
    void aModelIsPulledIntoANewFolderAlone() throws Exception {
        Path pulled = folder.resolve("pulled");

        Said said = pull(pulled);

        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(said.out())
                .isEqualToIgnoringNewLines(
                        "chat-7b 4000 for phone (gguf Q4_K_M, 3.0 MiB) is in " + pulled + ": model.gguf");
        assertThat(pulled.resolve("model.gguf")).hasContent("GGUF");
        Said again = pull(pulled);
        assertThat(again.exitCode()).isEqualTo(ExitCode.REFUSED);
        assertThat(again.err()).contains(pulled + " is not empty; name a new folder");
    }

    private static Said pull(Path into) {
        return broker.to("pull", "chat-7b", "phone", into.toString(), "--version", "4000", "--store", store.toString());
    }

    @Test
    void whatAnOperatorAsksForIsSentWithHisNameAndHisReason() throws Exception {
        assertThat(asked("cancel", WORKING, "--why", "it is in the way"))
                .extracting(OperatorRequest::kind, OperatorRequest::why)
                .containsExactly(OperatorRequest.Kind.CANCEL, "it is in the way");
        assertThat(asked("retry", FAILED, "--why", "there is room"))
                .extracting(OperatorRequest::kind, OperatorRequest::why)
                .containsExactly(OperatorRequest.Kind.RETRY, "there is room");
        OperatorRequest anew = asked("retry", PUBLISHED, "--recompute");
        assertThat(anew.kind()).isEqualTo(OperatorRequest.Kind.RECOMPUTE);
        assertThat(anew.who()).isEqualTo(System.getProperty("user.name"));
        assertThat(anew.run()).isEqualTo(PUBLISHED);
        assertThat(anew.model()).isEqualTo(KnownEvents.CHAT);
    }

    @Test
    void whatWouldChangeNothingIsRefusedAndNotSent() {
        int before = requests().size();

        for (List<String> command :
                List.of(List.of("retry", PUBLISHED.toString()), List.of("cancel", FAILED.toString()))) {
            Said said = broker.to(command.toArray(String[]::new));
            assertThat(said.exitCode()).as(command.toString()).isEqualTo(ExitCode.REFUSED);
        }
        assertThat(requests()).hasSize(before);
    }

    private static OperatorRequest asked(String command, RunId run, String... options) {
        List<OperatorRequest> before = requests();
        String[] arguments = new String[options.length + 2];
        arguments[0] = command;
        arguments[1] = run.toString();
        System.arraycopy(options, 0, arguments, 2, options.length);
        Said said = broker.to(arguments);
        assertThat(said.exitCode()).as(said.err()).isEqualTo(ExitCode.OK);
        assertThat(said.out()).contains(run.digest().abbreviated());
        List<OperatorRequest> after = requests();
        assertThat(after).hasSize(before.size() + 1);
        return after.stream()
                .filter(request -> !before.contains(request))
                .findFirst()
                .orElseThrow();
    }

    private static List<OperatorRequest> requests() {
        return broker.events(CommandBroker.TOPICS.jobEvents(), OperatorRequest.class);
    }
}
