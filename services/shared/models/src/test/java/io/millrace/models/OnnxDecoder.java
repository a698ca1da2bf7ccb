package io.millrace.models;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A decoder's graph in ONNX Runtime, on one thread: it feeds tokens and hands the keys and values on. */
public final class OnnxDecoder implements AutoCloseable {
    private static final String PAST = "past_key_values.";
    private static final String PRESENT = "present.";

    private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
    private final OrtSession session;
    private @Nullable Result last;
    private int seen;

    private record Result(OrtSession.Result outputs, Map<String, OnnxTensor> cache) {}

    /** Opens the graph of a folder that our writer made. */
    public OnnxDecoder(Path folder) throws OrtException {
        try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
            options.setIntraOpNumThreads(1);
            options.setInterOpNumThreads(1);
            session = environment.createSession(folder.resolve("model.onnx").toString(), options);
        }
    }

    /** Feeds tokens behind those that it saw before; answers the logits [tokens][vocabulary]. */
    public float[][] next(int... tokens) throws OrtException {
        long[] mask = new long[seen + tokens.length];
        Arrays.fill(mask, 1);
        Map<String, OnnxTensor> own = new HashMap<>();
        own.put(
                "input_ids",
                OnnxTensor.createTensor(
                        environment,
                        LongBuffer.wrap(Arrays.stream(tokens).asLongStream().toArray()),
                        new long[] {1, tokens.length}));
        own.put("attention_mask", OnnxTensor.createTensor(environment, LongBuffer.wrap(mask), new long[] {1, mask.length
        }));
        if (last == null) {
            own.putAll(emptyCache());
        }
        Map<String, OnnxTensor> inputs = new HashMap<>(own);
        if (last != null) {
            inputs.putAll(last.cache());
        }
        OrtSession.Result outputs = session.run(inputs);
        own.values().forEach(OnnxTensor::close);
        if (last != null) {
            last.outputs().close();
        }
        Map<String, OnnxTensor> cache = new HashMap<>();
        for (Map.Entry<String, OnnxValue> output : outputs) {
            if (output.getKey().startsWith(PRESENT)) {
                cache.put(output.getKey().replace(PRESENT, PAST), (OnnxTensor) output.getValue());
            }
        }
        last = new Result(outputs, cache);
        seen += tokens.length;
        float[][][] logits = (float[][][]) outputs.get("logits").orElseThrow().getValue();
        return logits[0];
    }

    private Map<String, OnnxTensor> emptyCache() throws OrtException {
        Map<String, OnnxTensor> cache = new HashMap<>();
        for (var input : session.getInputInfo().entrySet()) {
            if (input.getKey().startsWith(PAST)) {
                long[] shape = ((TensorInfo) input.getValue().getInfo()).getShape();
                shape[0] = 1;
                shape[2] = 0;
                cache.put(input.getKey(), OnnxTensor.createTensor(environment, FloatBuffer.allocate(0), shape));
            }
        }
        return cache;
    }

    @Override
    public void close() throws OrtException {
        if (last != null) {
            last.outputs().close();
        }
        session.close();
    }
}
