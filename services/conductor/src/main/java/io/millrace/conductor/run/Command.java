package io.millrace.conductor.run;

import io.millrace.events.Job;
import io.millrace.events.JobKey;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.RunFailed;

/** What a transition of a run wants done. */
public sealed interface Command {
    /** Wait for this job; issue it unless it is under way for another run. */
    record AskFor(Job job) implements Command {}

    /** Wait for it no longer. */
    record LeaveJob(JobKey key, String why) implements Command {}

    record PublishModel(ModelPublished event) implements Command {}

    record RejectModel(ModelRejected event) implements Command {}

    record PublishFailure(RunFailed event) implements Command {}
}
