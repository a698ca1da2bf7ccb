package io.millrace.store;

import io.millrace.events.ArtifactRef;
import io.millrace.events.JobKey;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A process that races against others; it starts at a line on standard input and prints what came of it. */
public final class StoreRacer {
    static final int THREADS = 4;

    private StoreRacer() {}

    public static void main(String[] args) throws Exception {
        FolderStore store = FolderStore.open(Path.of(args[0]));
        System.out.println("ready");
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
        int count = Integer.parseInt(args[3]);
        switch (args[1]) {
            case "commit" -> commit(store, args[2], count);
            case "beat" -> beat(store, count);
            default -> publish(store, Path.of(args[0]).resolveSibling(args[2]), args[2], count);
        }
    }

    private static void commit(FolderStore store, String name, int keys) throws Exception {
        try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
            for (int i = 0; i < keys; i++) {
                JobKey key = Samples.key("key" + i);
                List<Callable<Commit>> race = new ArrayList<>();
                for (int thread = 0; thread < THREADS; thread++) {
                    JobResult result = Samples.result(key, name + "-" + thread);
                    race.add(() -> store.commit(result));
                }
                for (Future<Commit> commit : threads.invokeAll(race)) {
                    String word = commit.get() instanceof Commit.Won ? "won" : "lost";
                    System.out.println(
                            word + " key" + i + " " + commit.get().standing().writer());
                }
            }
        }
    }

    private static void beat(FolderStore store, int times) throws IOException {
        JobKey key = Samples.key("beat");
        int raised = 0;
        for (int i = 0; i < times; i++) {
            Optional<Claim> now = store.claim(key);
            long beat = now.map(Claim::beat).orElse(0L);
            raised += store.replaceClaim(now, new Claim(key, "h", 1, beat + 1)) ? 1 : 0;
        }
        System.out.println("raised " + raised);
    }

    private static void publish(FolderStore store, Path folder, String name, int times) throws IOException {
        Files.createDirectories(folder);
        for (int i = 0; i < times; i++) {
            // The last one is the store's by now.
            Files.deleteIfExists(folder.resolve("file"));
            Files.writeString(folder.resolve("file"), name + " " + i);
            ArtifactRef artifact = store.publishFolder(folder, new TreeMap<>());
            store.commit(Samples.result(Samples.key(name + "-" + i), artifact, name));
            System.out.println("done " + name + "-" + i);
        }
    }
}
