package io.millrace.events;

/** Something on a topic of Millrace. Each has one schema. */
public sealed interface Event
        permits CheckpointPublished,
                Policy,
                Job,
                JobEvent,
                OperatorRequest,
                JobCancelled,
                ModelPublished,
                ModelRejected,
                RunFailed,
                RunChanged {}
