package io.millrace.store;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;

/** Takes locks on threads of its own; as a process of its own, those that standard input names, until it says "free". */
public final class LockTaker {
    private final FolderLocks locks;
    private final CountDownLatch free = new CountDownLatch(1);

    LockTaker(Path folder) {
        this.locks = new FolderLocks(folder);
    }

    /** What became of it: whether the lock was had. */
    record Taking(Thread thread, CompletableFuture<Void> held) {
        /** Returns once its thread asks for the lock, or has asked. */
        void awaitAsking() {
            while (!held.isDone()
                    && Arrays.stream(thread.getStackTrace())
                            .noneMatch(frame -> frame.getClassName().equals(FolderLocks.class.getName()))) {
                Thread.onSpinWait();
            }
        }
    }

    /** Takes it and holds it until all are freed. */
    Taking take(String hex) {
        CompletableFuture<Void> held = new CompletableFuture<>();
        return new Taking(Thread.ofPlatform().daemon().start(() -> hold(hex, held)), held);
    }

    private void hold(String hex, CompletableFuture<Void> held) {
        try {
            locks.locked(hex, () -> {
                held.complete(null);
                try {
                    free.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                return hex;
            });
        } catch (IOException e) {
            held.completeExceptionally(e);
        }
    }

    void freeAll() {
        free.countDown();
    }

    public static void main(String[] args) throws IOException {
        LockTaker taker = new LockTaker(Path.of(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String hex = line;
            if (hex.equals("free")) {
                taker.freeAll();
                continue;
            }
            Taking taking = taker.take(hex);
            taking.awaitAsking();
            System.out.println("asks for " + hex);
            var _ = taking.held()
                    .whenComplete(
                            (_, failed) -> System.out.println(failed == null ? "has " + hex : hex + ": " + failed));
        }
    }
}
