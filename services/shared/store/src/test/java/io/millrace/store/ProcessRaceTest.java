package io.millrace.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Several processes with several threads each, on one folder. */
@Tag("chaos")
class ProcessRaceTest {
    private static final int PROCESSES = 3;
    private static final int KEYS = 20;

    @TempDir
    Path temp;

    /** Promise 2 of DESIGN.md: at most one result per job key is ever committed. */
    @Test
    @Tag("promise-2")
    @DisplayName("Promise 2: of many processes one commits each key, and all see its result")
    void ofManyProcessesOneWinsEachKeyAndAllSeeIt() throws Exception {
        List<Process> racers = new ArrayList<>();
        try {
            for (int i = 0; i < PROCESSES; i++) {
                racers.add(racer("commit", "p" + i, Integer.toString(KEYS)));
            }
            for (Process racer : racers) {
                assertThat(racer.inputReader().readLine()).isEqualTo("ready");
            }
            for (Process racer : racers) {
                try (Writer go = racer.outputWriter()) {
                    go.write("go\n");
                }
            }

            Map<String, List<String>> winners = new HashMap<>();
            Map<String, List<String>> seen = new HashMap<>();
            for (Process racer : racers) {
                for (String[] line : lines(racer)) {
                    (line[0].equals("won") ? winners : seen)
                            .computeIfAbsent(line[1], _ -> new ArrayList<>())
                            .add(line[2]);
                }
                assertThat(racer.waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(racer.exitValue()).isZero();
            }
            assertThat(winners).hasSize(KEYS);
            winners.forEach((key, won) -> {
                assertThat(won).as(key).hasSize(1);
                assertThat(seen.get(key))
                        .hasSize(PROCESSES * StoreRacer.THREADS - 1)
                        .containsOnly(won.getFirst());
            });
        } finally {
            racers.forEach(Process::destroyForcibly);
        }
    }

    @Test
    void noBeatIsLostBetweenProcesses() throws Exception {
        List<Process> racers = new ArrayList<>();
        try {
            for (int i = 0; i < PROCESSES; i++) {
                racers.add(racer("beat", "p" + i, "100"));
            }
            for (Process racer : racers) {
                assertThat(racer.inputReader().readLine()).isEqualTo("ready");
            }
            for (Process racer : racers) {
                try (Writer go = racer.outputWriter()) {
                    go.write("go\n");
                }
            }

            long raised = 0;
            for (Process racer : racers) {
                for (String[] line : lines(racer)) {
                    raised += Long.parseLong(line[1]);
                }
            }

            FolderStore store = FolderStore.open(temp.resolve("store"));
            assertThat(store.claim(Samples.key("beat")).orElseThrow().beat()).isEqualTo(raised);
        } finally {
            racers.forEach(Process::destroyForcibly);
        }
    }

    @Test
    void aProcessThatIsKilledAtAnyMomentHarmsNobody() throws Exception {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 3; round++) {
            Process racer = racer("publish", "p" + round, "1000000");
            List<String> done = new ArrayList<>();
            try {
                BufferedReader out = racer.inputReader();
                assertThat(out.readLine()).isEqualTo("ready");
                Writer go = racer.outputWriter();
                go.write("go\n");
                go.flush();
                for (int i = random.nextInt(40); i >= 0; i--) {
                    done.add(out.readLine());
                }
            } finally {
                racer.destroyForcibly().waitFor();
            }

            FolderStore store = FolderStore.open(temp.resolve("store"));
            for (String line : done) {
                JobResult result =
                        store.result(Samples.key(line.split(" ", -1)[1])).orElseThrow();
                assertThat(store.isComplete(result.output())).isTrue();
                store.checkOut(result.output(), temp.resolve("out"));
            }
            assertThat(Conformance.of(store).problems()).isEmpty();
        }
    }

    private Process racer(String what, String name, String count) throws IOException {
        return ChildProcess.of(StoreRacer.class, temp.resolve("store").toString(), what, name, count)
                .start();
    }

    private static List<String[]> lines(Process racer) throws IOException {
        List<String[]> lines = new ArrayList<>();
        for (String line = racer.inputReader().readLine();
                line != null;
                line = racer.inputReader().readLine()) {
            lines.add(line.split(" ", -1));
        }
        return lines;
    }
}
