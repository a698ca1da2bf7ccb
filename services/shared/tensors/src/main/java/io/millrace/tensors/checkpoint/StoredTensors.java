package io.millrace.tensors.checkpoint;

import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.TensorReader;
import io.millrace.tensors.TensorSpec;
import io.millrace.tensors.architecture.ExpertStack;
import io.millrace.tensors.architecture.ModelConfig;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.format.safetensors.SafetensorsFolder;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;

/**
 * The safetensors of a folder under the names of the text model, whatever the folder calls them: a multimodal model has
 * its text model's tensors behind a prefix, and tensors of the part that sees, which are set apart; one that was saved
 * without a head lacks the prefix of the body; the experts of a layer may lie in one tensor.
 */
public final class StoredTensors implements TensorReader {
    private final SafetensorsFolder folder;
    private final BodyNames body;
    private final Map<String, String> storedNames = new HashMap<>();
    private final Map<String, ExpertStack> stacks = new HashMap<>();
    private final List<TensorSpec> tensors = new ArrayList<>();
    private final List<TensorSpec> seeing = new ArrayList<>();

    private StoredTensors(SafetensorsFolder folder, ModelConfig config) throws MalformedFileException {
        this.folder = folder;
        this.body = BodyNames.of(folder.tensors().stream()
                .map(TensorSpec::name)
                .filter(name -> !config.seeing(name))
                .map(config::textName)
                .toList());
        for (TensorSpec stored : folder.tensors()) {
            if (config.seeing(stored.name())) {
                seeing.add(stored);
                storedNames.put(stored.name(), stored.name());
                continue;
            }
            String name = body.modelName(config.textName(stored.name()));
            String other = storedNames.putIfAbsent(name, stored.name());
            if (other != null) {
                throw new MalformedFileException(
                        folder.fileOf(stored.name()),
                        -1,
                        "tensor '" + stored.name() + "' is also stored as '" + other + "', expected one of them");
            }
            tensors.add(new TensorSpec(name, stored.encoding(), stored.shape()));
        }
        takeApart(config);
    }

    /** Shows the experts of a layer one by one where they are stored in one tensor. */
    private void takeApart(ModelConfig config) throws MalformedFileException {
        if (config.experts().isEmpty()) {
            return;
        }
        Map<String, TensorSpec> stored = new HashMap<>();
        tensors.forEach(tensor -> stored.put(tensor.name(), tensor));
        Set<TensorSpec> wholes = new HashSet<>();
        List<TensorSpec> experts = new ArrayList<>();
        for (TensorRule rule : config.architecture().tensors(config)) {
            Optional<ExpertStack> stack =
                    ExpertStack.of(rule, config).filter(found -> stored.containsKey(found.name()));
            if (stack.isEmpty() || stored.containsKey(rule.name())) {
                continue;
            }
            TensorSpec whole = Objects.requireNonNull(stored.get(stack.get().name()));
            if (!whole.shape().equals(stack.get().shape())) {
                throw new MalformedFileException(
                        fileOf(whole.name()),
                        -1,
                        "tensor '" + whole.name() + "' has shape " + whole.shape() + ", expected "
                                + stack.get().shape() + " by config.json");
            }
            wholes.add(whole);
            experts.add(new TensorSpec(rule.name(), whole.encoding(), rule.shape()));
            stacks.put(rule.name(), stack.get());
        }
        tensors.removeAll(wholes);
        tensors.addAll(experts);
    }

    /** Opens the safetensors of a model of this configuration. */
    public static StoredTensors open(Path folder, ModelConfig config) throws IOException {
        SafetensorsFolder opened = SafetensorsFolder.open(folder);
        try {
            return new StoredTensors(opened, config);
        } catch (IOException | RuntimeException failure) {
            opened.close();
            throw failure;
        }
    }

    /** The texts in the headers of the files. */
    public Map<String, String> metadata() {
        return folder.metadata();
    }

    /** The text model's tensors. */
    @Override
    public List<TensorSpec> tensors() {
        return List.copyOf(tensors);
    }

    /** Tensors of the part that sees, under the names that they are stored by. */
    public List<TensorSpec> seeing() {
        return List.copyOf(seeing);
    }

    /** What the folder calls a tensor of the text model. */
    public String storedName(String name) {
        return storedNames.getOrDefault(name, ownName(name));
    }

    /** What the text model by itself calls a tensor or module in this folder: without the prefix of a multimodal one. */
    public String ownName(String name) {
        return body.ownName(name);
    }

    /** Whether the folder's names lack the prefix of the body. */
    public boolean bare() {
        return body.bare();
    }

    /** The file that holds a tensor. */
    public Path fileOf(String name) {
        ExpertStack stack = stacks.get(name);
        return folder.fileOf(storedName(stack == null ? name : stack.name()));
    }

    /** Rows of a tensor of the text model, or of the part that sees. */
    @Override
    public MemorySegment rows(String name, long from, long to) {
        ExpertStack stack = stacks.get(name);
        if (stack == null) {
            return folder.rows(storedName(name), from, to);
        }
        return folder.rows(storedName(stack.name()), stack.fromRow() + from, stack.fromRow() + to);
    }

    @Override
    public void close() {
        folder.close();
    }
}
