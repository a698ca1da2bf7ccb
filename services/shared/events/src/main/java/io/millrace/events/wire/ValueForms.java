package io.millrace.events.wire;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Cost;
import io.millrace.events.Failure;
import io.millrace.events.JobRef;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Reason;
import java.net.URI;
import java.time.Duration;

/** The layouts of the records that several kinds of events hold. */
final class ValueForms {
    static final Form<ArtifactRef> ARTIFACT = new Form<>(
            (value, out) -> out.text("manifest", value.manifest()).text("location", value.location()),
            in -> new ArtifactRef(in.digest("manifest"), URI.create(in.text("location"))));

    static final Form<ModelNumbers> NUMBERS = new Form<>(
            (value, out) -> out.text("architecture", value.architecture())
                    .number("parameters", value.parameters())
                    .number("vocabularySize", value.vocabularySize())
                    .number("hiddenSize", value.hiddenSize())
                    .number("feedForwardSize", value.feedForwardSize())
                    .number("layerCount", value.layerCount())
                    .number("headCount", value.headCount())
                    .number("keyValueHeadCount", value.keyValueHeadCount())
                    .number("maxPositions", value.maxPositions())
                    .text("dtype", value.dtype()),
            in -> new ModelNumbers(
                    in.text("architecture"),
                    in.number("parameters"),
                    in.integer("vocabularySize"),
                    in.integer("hiddenSize"),
                    in.integer("feedForwardSize"),
                    in.integer("layerCount"),
                    in.integer("headCount"),
                    in.integer("keyValueHeadCount"),
                    in.integer("maxPositions"),
                    in.text("dtype")));

    static final Form<Cost> COST = new Form<>(
            (value, out) -> out.number("computeMillis", value.compute().toMillis())
                    .number("bytesIn", value.bytesIn())
                    .number("bytesOut", value.bytesOut()),
            in -> new Cost(Duration.ofMillis(in.number("computeMillis")), in.number("bytesIn"), in.number("bytesOut")));

    static final Form<Failure> FAILURE = new Form<>(
            (value, out) -> out.text("reason", value.reason().code()).text("message", value.message()),
            in -> new Failure(Reason.ofCode(in.text("reason")), in.text("message")));

    static final Form<JobRef> JOB = new Form<>(
            (value, out) -> out.text("key", value.key())
                    .text("model", value.model())
                    .text("run", value.run())
                    .number("attempt", value.attempt())
                    .text("stage", value.stage().wireName())
                    .text("device", value.device()),
            in -> new JobRef(
                    in.job("key"),
                    in.model("model"),
                    in.run("run"),
                    in.integer("attempt"),
                    in.stage("stage"),
                    in.device("device")));

    private ValueForms() {}
}
