package io.millrace.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.millrace.store.ArtifactStore;
import io.millrace.store.Claim;
import io.millrace.store.GarbageCollection.Collected;
import io.millrace.store.Inventory;
import io.millrace.store.StoreCheck;
import io.millrace.store.Stores;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreCommandsTest {
    @TempDir
    Path folder;

    private Said to(String... arguments) {
        return Said.to(arguments);
    }

    private String home() {
        return folder.resolve("home").toString();
    }

    @Test
    void aStoreIsVerifiedWithoutKafka() throws IOException {
        Path place = folder.resolve("store");
        try (ArtifactStore store = Stores.open(place.toString())) {
            store.put("content".getBytes(StandardCharsets.UTF_8));
        }

        Said said = to("store", "verify", "--home", home(), "--store", place.toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.OK);
        assertThat(said.out()).isEqualToIgnoringNewLines("1 blobs (7 B) and 0 results read, 0 damaged or missing");
    }

    @Test
    void theDoctorLooksAtAStoreWithoutABroker() throws IOException {
        Path place = Files.createDirectory(folder.resolve("store"));

        Said said = to("doctor", "--home", home(), "--store", place.toString());

        assertThat(said.out().lines().filter(line -> line.startsWith("store")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains(place.toString(), "keeps its promises"));
        assertThat(said.out()).doesNotContain("broker", "WRONG");
        assertThat(said.exitCode()).isEqualTo(ExitCode.OK);
    }

    @Test
    void theDoctorLooksAtAStoreAlsoWhereNoBrokerAnswers() throws IOException {
        Path place = Files.createDirectory(folder.resolve("store"));

        Said said = to("doctor", "--home", home(), "--kafka", "127.0.0.1:1", "--store", place.toString());

        assertThat(said.out().lines().filter(line -> line.startsWith("store")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains(place.toString(), "keeps its promises"));
        assertThat(said.out().lines().filter(line -> line.startsWith("broker")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains("WRONG"));
        assertThat(said.out().lines().filter(line -> line.startsWith("llama.cpp")))
                .singleElement()
                .satisfies(line -> assertThat(line).contains(" ok "));
        assertThat(said.err()).contains("no Kafka broker answers at 127.0.0.1:1 yet; waiting for one up to 30 s");
        assertThat(said.exitCode()).isEqualTo(ExitCode.UNSUCCESSFUL);
    }

    @Test
    void withoutAStoreItIsSaidHowToNameOne() {
        Said said = to("store", "verify", "--home", home());

        assertThat(said.exitCode()).isEqualTo(ExitCode.USAGE);
        assertThat(said.err()).contains("--store").contains(home());
    }

    @Test
    void aStoreThatIsNotThereIsNotMade() {
        Path place = folder.resolve("storr");

        Said said = to("store", "verify", "--home", home(), "--store", place.toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.NOT_FOUND);
        assertThat(said.err()).contains(place.toString());
        assertThat(place).doesNotExist();
    }

    @Test
    void anAgeThatCannotBeIsAUsageError() {
        for (String age : new String[] {"7", "soon", "23h", "0d", "-1d", "1.5d"}) {
            Said said = to("store", "gc", "--grace", age, "--home", home());

            assertThat(said.exitCode()).as(age).isEqualTo(ExitCode.USAGE);
            assertThat(said.err()).contains("--grace").contains(age);
        }
    }

    @Test
    void collectingNeedsTheTopics() {
        Said said = to("store", "gc", "--home", home(), "--store", folder.toString());

        assertThat(said.exitCode()).isEqualTo(ExitCode.UNAVAILABLE);
        assertThat(said.err()).contains("no Millrace runs in " + home(), "'millrace up --home " + home() + "'");
    }

    @Test
    void whatACollectionDeletedIsNotWhatItWouldDelete() {
        Collected collected = new Collected(2, 3, 4096, 5, 7168);

        assertThat(StoreGcCommand.text(collected, true))
                .isEqualTo("would delete 2 results and 3 blobs (4.0 KiB); 5 blobs (7.0 KiB) stay");
        assertThat(StoreGcCommand.text(collected, false)).startsWith("deleted 2 results and 3 blobs");
    }

    @Test
    void aClaimThatNobodyRaisesAndAFileThatIsHalfWrittenAreTold() {
        StoreCheck.Report report = new StoreCheck.Report(
                4,
                7168,
                2,
                List.of(),
                List.of(new Inventory.Leftover("blobs/.new-1", Duration.ofMinutes(5))),
                List.of(new Claim(KnownEvents.job("current"), "host:1:quantizer", 2, 9)));

        assertThat(StoreVerifyCommand.text(report, List.of())).isEqualToNormalizingNewlines("""
                blobs/.new-1
                  is being written since 5 min, or was left behind; it is swept when it is a day old
                claim on job %s
                  its holder host:1:quantizer gives no sign of life; the next worker takes it over
                4 blobs (7.0 KiB) and 2 results read, 0 damaged or missing\
                """.formatted(
                        KnownEvents.job("current").digest().abbreviated()));
    }
}
