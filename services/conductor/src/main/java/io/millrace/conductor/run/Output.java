package io.millrace.conductor.run;

import io.millrace.events.Device;
import io.millrace.events.Event;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobKey;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.RunId;

/** Something that leaves the conductor. */
public sealed interface Output {
    /** On the topic of its kind. */
    record Publish(Event event) implements Output {}

    /** On {@code models.latest}. */
    record PublishLatest(ModelPublished event) implements Output {}

    /** On {@code cancellations}: to the workers of one device, while others may go on. */
    record CancelOnDevice(JobCancelled event, Device device) implements Output {}

    /** The cancellation of this model's job no longer stands. */
    record RestoreJob(ModelName model, JobKey job) implements Output {}

    /** That for one device no longer stands. */
    record RestoreOnDevice(TicketId id) implements Output {}

    /** The run ended long ago and is forgotten. */
    record ForgetRun(RunId run) implements Output {}

    /** The record that is being read cannot be accepted. */
    record RefuseRecord(String why) implements Output {}
}
