package io.millrace.worker.commit;

import io.millrace.events.Cost;
import io.millrace.events.Parameters;
import io.millrace.store.ArtifactStore;
import io.millrace.store.Commit;
import io.millrace.store.JobResult;
import io.millrace.store.Manifest;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** From finished work to the result that stands, whoever committed it first. */
record Storing(ArtifactStore store, LongSupplier nanoTime) {
    private static final Logger LOG = LoggerFactory.getLogger(Storing.class);
    private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMinutes(1);

    /**
     * The work is done: nothing but success, a cancellation or the end of the process may end this.
     *
     * @throws OutputLostException if what was made is not there any more
     */
    Outcome commit(RunningJob run, Made made) throws OutputLostException {
        Duration pause = FIRST_PAUSE;
        for (int tries = 1; run.interruption().isEmpty() || tries == 1; tries++) {
            try {
                run.progress().show(0, 0, "storing the output");
                return new Outcome.Succeeded(standing(run, made), false);
            } catch (OutputLostException e) {
                throw e;
            } catch (IOException e) {
                requireOutput(made);
                LOG.atWarn()
                        .addKeyValue("tries", tries)
                        .log("the output is finished and waits for the store: {}", e.toString());
                run.progress().show(tries, 0, "finished, waiting for the store: " + FailureRules.waiting(e));
            }
            try {
                run.pause(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
        return run.interruption()
                .orElse(Interruption.SHUTDOWN)
                .outcome(run.progress().mark().toString());
    }

    private static void requireOutput(Made made) throws OutputLostException {
        try {
            made.work().requireWhole();
        } catch (OutputLostException e) {
            throw e;
        } catch (IOException e) {
            LOG.warn("whether the output is whole is not known yet: {}", e.toString());
        }
    }

    private JobResult standing(RunningJob run, Made made) throws IOException {
        FinishedWork work = made.work();
        ArtifactStore.PublishedFolder published =
                store.publishFolder(work.output().folder(), metadata(run.job().parameters()), made.digests());
        Manifest manifest = published.manifest();
        work.requireWhole(filesOf(manifest));
        long bytesOut = manifest.sizeBytes();
        Duration storing = Duration.ofNanos(nanoTime.getAsLong() - made.finishedNanos());
        Cost cost = new Cost(work.spent().plus(storing), work.bytesIn(), bytesOut);
        JobResult mine = new JobResult(
                run.ref().key(),
                published.artifact(),
                bytesOut,
                work.output().measurements(),
                cost,
                UUID.randomUUID().toString());
        Commit commit = store.commit(mine);
        while (commit instanceof Commit.Lost(JobResult other) && !store.isComplete(other.output())) {
            store.dropResult(other);
            commit = store.commit(mine);
        }
        return commit.standing();
    }

    private static OutputFiles filesOf(Manifest manifest) {
        SortedMap<String, Long> sizes = new TreeMap<>();
        manifest.files().forEach(file -> sizes.put(file.name(), file.sizeBytes()));
        return new OutputFiles(sizes);
    }

    private static SortedMap<String, String> metadata(Parameters parameters) {
        return new TreeMap<>(Map.of(
                "millrace.stage",
                parameters.stage().wireName(),
                "millrace.method",
                parameters.name() + "/" + parameters.version(),
                "millrace.parameters",
                parameters.canonicalJson()));
    }
}
