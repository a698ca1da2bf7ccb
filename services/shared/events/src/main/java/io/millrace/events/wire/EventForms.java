package io.millrace.events.wire;

import static io.millrace.events.wire.JobForms.JOB_CANCELLED;
import static io.millrace.events.wire.JobForms.JOB_FAILED;
import static io.millrace.events.wire.JobForms.JOB_ISSUED;
import static io.millrace.events.wire.JobForms.JOB_PROGRESSED;
import static io.millrace.events.wire.JobForms.JOB_STARTED;
import static io.millrace.events.wire.JobForms.JOB_SUCCEEDED;
import static io.millrace.events.wire.RequestForms.CHECKPOINT_PUBLISHED;
import static io.millrace.events.wire.RequestForms.OPERATOR_REQUEST;
import static io.millrace.events.wire.RequestForms.POLICY;
import static io.millrace.events.wire.RunForms.MODEL_PUBLISHED;
import static io.millrace.events.wire.RunForms.MODEL_REJECTED;
import static io.millrace.events.wire.RunForms.RUN_CHANGED;
import static io.millrace.events.wire.RunForms.RUN_FAILED;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent.JobFailed;
import io.millrace.events.JobEvent.JobProgressed;
import io.millrace.events.JobEvent.JobStarted;
import io.millrace.events.JobEvent.JobSucceeded;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import java.util.Map;
import org.apache.avro.generic.GenericRecord;

/** The layout of each event. A schema has the simple name of its event. */
final class EventForms {
    private static final Map<String, Form<? extends Event>> BY_NAME = Map.ofEntries(
            Map.entry("CheckpointPublished", CHECKPOINT_PUBLISHED),
            Map.entry("Policy", POLICY),
            Map.entry("Job", JOB_ISSUED),
            Map.entry("JobStarted", JOB_STARTED),
            Map.entry("JobProgressed", JOB_PROGRESSED),
            Map.entry("JobSucceeded", JOB_SUCCEEDED),
            Map.entry("JobFailed", JOB_FAILED),
            Map.entry("OperatorRequest", OPERATOR_REQUEST),
            Map.entry("JobCancelled", JOB_CANCELLED),
            Map.entry("ModelPublished", MODEL_PUBLISHED),
            Map.entry("ModelRejected", MODEL_REJECTED),
            Map.entry("RunFailed", RUN_FAILED),
            Map.entry("RunChanged", RUN_CHANGED));

    private EventForms() {}

    static GenericRecord write(Event event) {
        return switch (event) {
            case CheckpointPublished e -> write(e, CHECKPOINT_PUBLISHED);
            case Policy e -> write(e, POLICY);
            case Job e -> write(e, JOB_ISSUED);
            case JobStarted e -> write(e, JOB_STARTED);
            case JobProgressed e -> write(e, JOB_PROGRESSED);
            case JobSucceeded e -> write(e, JOB_SUCCEEDED);
            case JobFailed e -> write(e, JOB_FAILED);
            case OperatorRequest e -> write(e, OPERATOR_REQUEST);
            case JobCancelled e -> write(e, JOB_CANCELLED);
            case ModelPublished e -> write(e, MODEL_PUBLISHED);
            case ModelRejected e -> write(e, MODEL_REJECTED);
            case RunFailed e -> write(e, RUN_FAILED);
            case RunChanged e -> write(e, RUN_CHANGED);
        };
    }

    static Event read(GenericRecord record) {
        Form<? extends Event> form = BY_NAME.get(record.getSchema().getName());
        if (form == null) {
            throw new IllegalStateException(
                    "no layout for " + record.getSchema().getFullName());
        }
        return form.reader().apply(new Reading(record));
    }

    private static <T extends Event> GenericRecord write(T event, Form<T> form) {
        return Writing.write(Schemas.current(event.getClass().getSimpleName()), form, event);
    }
}
