package io.millrace.tensors.format.literature;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.WeightSource;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.tensors.checkpoint.ModelFolder;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import io.millrace.tensors.json.StrictJson;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** A folder of {@link LiteratureWriter}: its dense values, and how inputs are rounded where the scheme says so. */
public final class LiteratureWeights implements WeightSource {
    private static final long CONFIG_LIMIT_BYTES = 16L << 20;

    private final Checkpoint dense;
    private final LiteratureScheme scheme;
    private final List<TensorSpec> codes;
    private final Set<String> coded = new HashSet<>();

    private LiteratureWeights(Checkpoint dense, LiteratureScheme scheme, List<TensorSpec> codes) {
        this.dense = dense;
        this.scheme = scheme;
        this.codes = codes;
        for (TensorRule rule : dense.rules()) {
            if (rule.role() instanceof TensorRole.Linear) {
                coded.add(rule.name());
            }
        }
    }

    public static LiteratureWeights open(Path folder) throws IOException {
        ObjectNode config = StrictJson.readFile(ModelFolder.config(folder), CONFIG_LIMIT_BYTES);
        LiteratureScheme scheme = SchemeJson.read(config, ModelFolder.CONFIG);
        config.remove(SchemeJson.KEY);
        List<TensorSpec> codes = codes(folder);
        return new LiteratureWeights(
                Checkpoint.open(folder, ModelConfig.of(config, ModelFolder.CONFIG)), scheme, codes);
    }

    private static List<TensorSpec> codes(Path folder) throws IOException {
        try (SafetensorsFolder reader = SafetensorsFolder.open(folder.resolve(SchemeJson.CODES))) {
            return reader.tensors();
        }
    }

    /** Bytes that the scheme needs: codes, scales, and the tensors that have none. */
    public long schemeBytes() {
        return codes.stream().mapToLong(TensorSpec::byteSize).sum()
                + tensors().stream()
                        .filter(tensor -> !coded.contains(tensor.name()))
                        .mapToLong(TensorSpec::byteSize)
                        .sum();
    }

    public LiteratureScheme scheme() {
        return scheme;
    }

    /** The tensors beside the model. */
    public List<TensorSpec> codes() {
        return codes;
    }

    /** As {@link Checkpoint} has it, without the scheme. */
    @Override
    public ModelConfig config() {
        return dense.config();
    }

    @Override
    public List<TensorSpec> tensors() {
        return dense.tensors();
    }

    @Override
    public void read(String name, long from, long to, MemorySegment destination) throws MalformedFileException {
        dense.read(name, from, to, destination);
    }

    @Override
    public Optional<InputRounding> inputRounding(String name) {
        return scheme.inputs().filter(_ -> coded.contains(name)).map(inputs -> inputs);
    }

    @Override
    public void close() {
        dense.close();
    }
}
