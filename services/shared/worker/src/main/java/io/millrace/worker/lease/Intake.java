package io.millrace.worker.lease;

import io.millrace.events.Device;
import io.millrace.events.Job;
import io.millrace.events.JobRef;
import io.millrace.events.StageName;
import io.millrace.events.wire.Decoded;
import io.millrace.events.wire.EventCodec;
import io.millrace.events.wire.EventRecords;
import java.util.Optional;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** What a record of a job queue asks for. */
sealed interface Intake {
    /** A job. */
    record Work(Job job) implements Intake {}

    /** A job of a newer or older Millrace; its headers say which, and a worker of the right version can do it. */
    record OtherVersion(JobRef job, String why) implements Intake {}

    /** Nothing that anybody could do. */
    record Unreadable(String why) implements Intake {}

    static Intake of(ConsumerRecord<String, byte[]> record, StageName stage, Device device, EventCodec codec) {
        return switch (codec.decode(record.value())) {
            case Decoded.Undecodable(String why) -> new Unreadable(why);
            case Decoded.UnknownKind(String name) -> otherVersion(record, "no work for this worker's version: " + name);
            case Decoded.Known(Job job) -> check(record, stage, device, job);
            case Decoded.Known known ->
                new Unreadable(
                        "expected a job, found a " + known.event().getClass().getSimpleName());
        };
    }

    private static Intake check(ConsumerRecord<String, byte[]> record, StageName stage, Device device, Job job) {
        if (job.stage() != stage || !job.device().equals(device)) {
            return new Unreadable("a job for " + job.stage().wireName() + " on " + job.device()
                    + " lies in the queue of " + stage.wireName() + " on " + device);
        }
        String key = job.key().toString();
        // The key is computed from the job here as it was by the issuer: it differs when the two count otherwise.
        return key.equals(record.key())
                ? new Work(job)
                : otherVersion(
                        record,
                        "the issuer's key is " + record.key() + " but this worker computes " + key
                                + "; their algorithm or engine versions differ");
    }

    private static Intake otherVersion(ConsumerRecord<String, byte[]> record, String why) {
        Optional<JobRef> job = EventRecords.jobRef(record.headers());
        return job.isPresent()
                ? new OtherVersion(job.get(), why + "; it waits until conductor and workers are of one version")
                : new Unreadable(why + "; and its headers do not name the job");
    }
}
