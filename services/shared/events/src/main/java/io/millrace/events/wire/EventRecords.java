package io.millrace.events.wire;

import io.millrace.events.CheckpointPublished;
import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Event;
import io.millrace.events.Job;
import io.millrace.events.JobCancelled;
import io.millrace.events.JobEvent;
import io.millrace.events.JobKey;
import io.millrace.events.JobRef;
import io.millrace.events.ModelName;
import io.millrace.events.ModelPublished;
import io.millrace.events.ModelRejected;
import io.millrace.events.OperatorRequest;
import io.millrace.events.Policy;
import io.millrace.events.RunChanged;
import io.millrace.events.RunFailed;
import io.millrace.events.RunId;
import io.millrace.events.StageName;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Optional;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.header.internals.RecordHeaders;

/**
 * Events as Kafka records: topic and key, value, and headers. Headers are those of CloudEvents in binary mode
 * ({@code ce_*}), W3C {@code traceparent}, and plain ones ({@code millrace-*}) for whoever cannot read the value. All of
 * them follow from the event, so a record that is sent again is the same record.
 */
public final class EventRecords {
    /** No event is larger: curves and per-tensor reports are artifacts. */
    public static final int MAX_EVENT_BYTES = 256 * 1024;

    public static final String MODEL = "millrace-model";
    public static final String RUN = "millrace-run";
    public static final String JOB = "millrace-job";
    public static final String ATTEMPT = "millrace-attempt";
    public static final String STAGE = "millrace-stage";
    public static final String DEVICE = "millrace-device";

    private final Topics topics;
    private final EventCodec codec;
    private final String source;

    /**
     * @param source who speaks, as CloudEvents names it: {@code millrace/quantizer}
     */
    public EventRecords(Topics topics, EventCodec codec, String source) {
        this.topics = topics;
        this.codec = codec;
        this.source = source;
    }

    /** The event on its topic, under its key. */
    public ProducerRecord<String, byte[]> record(Event event) {
        return switch (event) {
            case CheckpointPublished e -> record(topics.checkpoints(), e.model().value(), e);
            case Policy e -> record(topics.policies(), e.name(), e);
            case Job e -> record(topics.jobs(e.stage(), e.device()), e.key().toString(), e);
            case JobEvent e -> record(topics.jobEvents(), e.job().model().value(), e);
            case OperatorRequest e -> record(topics.jobEvents(), e.model().value(), e);
            case JobCancelled e -> record(topics.cancellations(), cancellationKey(e), e);
            case ModelPublished e -> record(topics.models(), e.model().value(), e);
            case ModelRejected e -> record(topics.rejections(), e.model().value(), e);
            case RunFailed e -> record(topics.rejections(), e.model().value(), e);
            case RunChanged e -> record(topics.runs(), e.run().toString(), e);
        };
    }

    /** The same event on the topic that keeps only the newest model of each target. */
    public ProducerRecord<String, byte[]> latest(ModelPublished event) {
        return record(topics.modelsLatest(), latestKey(event), event);
    }

    /** The same event to the workers of one device: those of others may go on with the job. */
    public ProducerRecord<String, byte[]> cancelledOn(JobCancelled event, Device device) {
        return record(topics.cancellations(), cancellationKey(event) + "|" + device, event);
    }

    private static String cancellationKey(JobCancelled event) {
        return event.model()
                .map(model -> cancellationKey(model, event.job()))
                .orElse(event.job().toString());
    }

    /** Under which a job of a model is cancelled, and the cancellation taken back. */
    public static String cancellationKey(ModelName model, JobKey job) {
        return model + "|" + job;
    }

    /** The same for one device. */
    public static String cancellationKey(ModelName model, JobKey job, Device device) {
        return cancellationKey(model, job) + "|" + device;
    }

    public static String latestKey(ModelPublished event) {
        return event.model() + "|" + event.policy() + "|" + event.target();
    }

    /** Which job a record speaks of, told by its headers alone; empty if they do not say, or not in a valid way. */
    public static Optional<JobRef> jobRef(Headers headers) {
        try {
            return Optional.of(new JobRef(
                    JobKey.parse(require(headers, JOB)),
                    new ModelName(require(headers, MODEL)),
                    RunId.parse(require(headers, RUN)),
                    Integer.parseInt(require(headers, ATTEMPT)),
                    StageName.named(require(headers, STAGE)).orElseThrow(IllegalArgumentException::new),
                    new Device(require(headers, DEVICE))));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private static String require(Headers headers, String name) {
        Header header = headers.lastHeader(name);
        if (header == null || header.value() == null) {
            throw new IllegalArgumentException("no header '" + name + "'");
        }
        return new String(header.value(), StandardCharsets.UTF_8);
    }

    private ProducerRecord<String, byte[]> record(String topic, String key, Event event) {
        byte[] value = codec.encode(event);
        if (value.length > MAX_EVENT_BYTES) {
            throw new IllegalArgumentException(event.getClass().getSimpleName() + " for '" + topic + "', key '" + key
                    + "', has " + value.length + " bytes but an event has at most " + MAX_EVENT_BYTES
                    + "; put what is large into an artifact and name that");
        }
        return new ProducerRecord<>(topic, null, key, value, headers(event, value));
    }

    private Headers headers(Event event, byte[] value) {
        String name = event.getClass().getSimpleName();
        Digest digest = Digest.of(value);
        Subject subject = Subject.of(event);
        Headers headers = new RecordHeaders();
        add(headers, "ce_specversion", "1.0");
        add(headers, "ce_id", digest.hex());
        add(headers, "ce_source", source);
        add(headers, "ce_type", "io.millrace." + name);
        add(headers, "ce_dataschema", "urn:avro:crc64:" + Schemas.hex(Schemas.fingerprint(name)));
        subject.name().ifPresent(subjectName -> add(headers, "ce_subject", subjectName));
        subject.at().ifPresent(at -> add(headers, "ce_time", at.toString()));
        add(headers, "content-type", "application/avro");
        TraceContext trace =
                subject.run().map(TraceContext::of).orElseGet(() -> TraceContext.of(subject.trace(), digest));
        add(headers, "traceparent", trace.traceparent());
        subject.model().ifPresent(model -> add(headers, MODEL, model.value()));
        subject.run().ifPresent(run -> add(headers, RUN, run.toString()));
        subject.key().ifPresent(key -> add(headers, JOB, key.toString()));
        subject.job().ifPresent(job -> {
            add(headers, ATTEMPT, Integer.toString(job.attempt()));
            add(headers, STAGE, job.stage().wireName());
            add(headers, DEVICE, job.device().name());
        });
        return headers;
    }

    private static void add(Headers headers, String name, String value) {
        headers.add(name, value.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * What an event is about.
     *
     * @param trace all events of a run share one trace
     */
    private record Subject(
            Optional<String> name,
            Optional<ModelName> model,
            Optional<RunId> run,
            Optional<JobKey> key,
            Optional<JobRef> job,
            Digest trace,
            Optional<Instant> at) {
        static Subject of(Event event) {
            return switch (event) {
                case CheckpointPublished e ->
                    new Subject(
                            Optional.of(e.model() + "/" + e.version()),
                            Optional.of(e.model()),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            e.artifact().manifest(),
                            Optional.of(e.publishedAt()));
                case Policy e ->
                    new Subject(
                            Optional.of(e.name()),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Optional.empty(),
                            Digest.of("policy " + e.name() + " " + e.revision()),
                            Optional.empty());
                case Job e -> job(JobRef.of(e), Optional.empty());
                case JobEvent e -> job(e.job(), Optional.of(e.at()));
                case JobCancelled e ->
                    new Subject(
                            e.model().map(ModelName::value),
                            e.model(),
                            Optional.empty(),
                            Optional.of(e.job()),
                            Optional.empty(),
                            e.job().digest(),
                            Optional.of(e.at()));
                case OperatorRequest e -> run(e.model(), e.run(), e.at());
                case ModelPublished e -> run(e.model(), e.run(), e.at());
                case ModelRejected e -> run(e.model(), e.run(), e.at());
                case RunFailed e -> run(e.model(), e.run(), e.at());
                case RunChanged e -> run(e.model(), e.run(), e.at());
            };
        }

        private static Subject run(ModelName model, RunId run, Instant at) {
            return new Subject(
                    Optional.of(model.value()),
                    Optional.of(model),
                    Optional.of(run),
                    Optional.empty(),
                    Optional.empty(),
                    run.digest(),
                    Optional.of(at));
        }

        private static Subject job(JobRef job, Optional<Instant> at) {
            return new Subject(
                    Optional.of(job.model().value()),
                    Optional.of(job.model()),
                    Optional.of(job.run()),
                    Optional.of(job.key()),
                    Optional.of(job),
                    job.run().digest(),
                    at);
        }
    }
}
