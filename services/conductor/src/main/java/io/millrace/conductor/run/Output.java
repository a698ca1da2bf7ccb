package io.millrace.conductor.run;

import io.millrace.events.Event;
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

    /** The cancellation of this model's job no longer stands. */
    record RestoreJob(ModelName model, JobKey job) implements Output {}

    /** The run ended long ago and is forgotten. */
    record ForgetRun(RunId run) implements Output {}

    /** The record that is being read cannot be accepted. */
    record RefuseRecord(String why) implements Output {}
}
