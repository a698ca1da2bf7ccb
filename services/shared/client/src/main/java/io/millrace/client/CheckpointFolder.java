package io.millrace.client;

import io.millrace.events.ArtifactRef;
import io.millrace.events.Digest;
import io.millrace.events.ModelNumbers;
import io.millrace.events.Reason;
import io.millrace.store.ArtifactStore;
import io.millrace.store.ChangedFileException;
import io.millrace.store.Manifest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A Hugging Face folder that holds a checkpoint: config, safetensors, tokenizer. Opening it reads headers only and
 * refuses, by name and before anyone is told, what no stage could work on.
 *
 * @param files the names of the files that make the checkpoint
 * @param leftOut what else lies in the folder, such as a trainer's pickles: neither read nor named in the manifest, so
 *     that nothing of it ever gets into the store or to a worker
 * @param doubt what people should know of the tokenizer before they trust results, in one line
 */
public record CheckpointFolder(
        Path folder, SortedSet<String> files, SortedSet<String> leftOut, ModelNumbers numbers, Optional<String> doubt) {
    static final String CONFIG = "config.json";

    /** The files that belong to it where they lie beside its config; {@link SentenceModules} names further ones. */
    public static final List<String> COMPANIONS = List.of(
            "generation_config.json",
            "tokenizer.json",
            "tokenizer.model",
            "tekken.json",
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json",
            "preprocessor_config.json",
            "processor_config.json");

    /** Chat templates for purposes of their own, a file each. */
    private static final String TEMPLATES = "additional_chat_templates";

    public CheckpointFolder {
        files = new TreeSet<>(files);
        leftOut = new TreeSet<>(leftOut);
    }

    public static CheckpointFolder open(Path folder) throws IOException {
        Optional<LoraAdapter> adapter = LoraAdapter.in(folder).filter(LoraAdapter::alone);
        if (adapter.isPresent()) {
            throw new RefusedCheckpointException(
                    Reason.MALFORMED_CHECKPOINT, adapter.get().refusal());
        }
        FolderFiles inside = FolderFiles.open(folder);
        CheckpointJson config = CheckpointJson.read(inside.require(CONFIG));
        for (String key : List.of("quantization_config", "literature_scheme")) {
            if (config.present(key)) {
                throw new RefusedCheckpointException(
                        Reason.ALREADY_QUANTIZED,
                        config.file() + ": found '" + key + "'; publish the checkpoint before it was quantized");
            }
        }
        Weights weights = Weights.open(inside);
        SortedSet<String> files = new TreeSet<>(weights.files());
        files.add(CONFIG);
        for (String companion : COMPANIONS) {
            if (inside.has(companion)) {
                inside.require(companion);
                files.add(companion);
            }
        }
        if (inside.has(Weights.INDEX)) {
            files.add(Weights.INDEX);
        }
        SortedSet<String> leftOut = inside.names();
        for (String template : inside.namesIn(TEMPLATES, ".jinja")) {
            inside.require(template);
            files.add(template);
            leftOut.remove(TEMPLATES + "/");
        }
        SentenceModules modules = SentenceModules.in(inside);
        files.addAll(modules.files());
        leftOut.removeAll(modules.folders());
        leftOut.addAll(modules.leftOut());
        leftOut.removeAll(files);
        ModelNumbers numbers = numbers(config, weights);
        return new CheckpointFolder(inside.folder(), files, leftOut, numbers, doubt(inside, numbers));
    }

    /** The version is taken once it is published, so who forgot the tokenizer has to hear it before a run does. */
    private static Optional<String> doubt(FolderFiles inside, ModelNumbers numbers) throws IOException {
        return inside.has(TokenizerFit.FILE)
                ? TokenizerFit.doubt(inside.folder(), numbers.vocabularySize())
                : Optional.of(inside.folder().resolve(TokenizerFit.FILE)
                        + ": is missing, and no text can be measured without it, so runs of this checkpoint will fail;"
                        + " save the model's tokenizer there and publish the folder as another version");
    }

    private static ModelNumbers numbers(CheckpointJson config, Weights weights) throws IOException {
        String architecture = config.node().path("architectures").path(0).asText("");
        if (architecture.isBlank()) {
            throw config.refused("'architectures' names no class, expected one such as 'LlamaForCausalLM'");
        }
        CheckpointJson sizes = config.language();
        int headCount = sizes.positive("num_attention_heads");
        return new ModelNumbers(
                architecture,
                weights.parameters(config.isTrue("tie_word_embeddings")),
                sizes.positive("vocab_size"),
                sizes.positive("hidden_size"),
                sizes.positive("intermediate_size"),
                sizes.positive("num_hidden_layers"),
                headCount,
                sizes.present("num_key_value_heads") ? sizes.positive("num_key_value_heads") : headCount,
                sizes.positive("max_position_embeddings"),
                weights.dtype(config.file().resolveSibling("")));
    }

    /**
     * Reads every file once for its digest and puts the manifest into the store; the files stay where they are. Their
     * address is the real path of the folder, so a link such as {@code latest} may move on. An interrupt ends it.
     */
    public ArtifactRef register(ArtifactStore store, ByteProgress progress) throws IOException {
        CountedBytes read = new CountedBytes(sizeBytes(), progress);
        List<Manifest.Entry> entries = new ArrayList<>();
        for (String name : files) {
            entries.add(Manifest.Entry.of(name, folder.resolve(name), read.to(OutputStream.nullOutputStream())));
        }
        return new ArtifactRef(describe(store, entries), folder.toUri());
    }

    /**
     * Puts the files into the store with the manifest: the folder is not needed any more. The identity is the one that
     * {@link #register} gives. An interrupt ends it.
     *
     * @param progress of storing them
     * @throws ChangedFileException if somebody wrote to a file meanwhile
     */
    public ArtifactRef copy(ArtifactStore store, ByteProgress progress) throws IOException {
        long totalBytes = sizeBytes();
        long doneBytes = 0;
        List<Manifest.Entry> entries = new ArrayList<>();
        for (String name : files) {
            Path file = folder.resolve(name);
            long sizeBytes = Files.size(file);
            FileTime modified = Files.getLastModifiedTime(file);
            long before = doneBytes;
            Digest digest = store.put(file, stored -> progress.show(before + stored, totalBytes));
            if (Files.size(file) != sizeBytes
                    || !Files.getLastModifiedTime(file).equals(modified)) {
                throw new ChangedFileException(
                        file + ": was written to while it was copied; publish the folder when nothing writes to it");
            }
            entries.add(Manifest.Entry.of(name, sizeBytes, digest));
            doneBytes += sizeBytes;
        }
        return ArtifactRef.inStore(describe(store, entries));
    }

    private static Digest describe(ArtifactStore store, List<Manifest.Entry> entries) throws IOException {
        Manifest manifest = new Manifest(entries, new TreeMap<>(Map.of("kind", "checkpoint")));
        return store.put(manifest.canonicalJson().getBytes(StandardCharsets.UTF_8));
    }

    private long sizeBytes() throws IOException {
        long sum = 0;
        for (String name : files) {
            sum += Files.size(folder.resolve(name));
        }
        return sum;
    }
}
