package io.millrace.events;

import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a stage is asked to do. On the wire it is {name, version, canonical JSON}; the version is that of the algorithm,
 * part of the job key: raise it when the same parameters would give other bytes.
 */
public sealed interface Parameters {
    StageName stage();

    /** The method within the stage, as policies spell it. */
    String name();

    /**
     * Version of the algorithm behind these parameters, raised with every change of what comes out: a job that was done is
     * never done again. {@code AlgorithmVersionsTest} notices a change without it.
     */
    int version();

    /** Every parameter that shapes the result. */
    SortedMap<String, Object> values();

    /** As people write it: {@code prune neurons}, {@code gguf Q4_K_M}. */
    default String summary() {
        return stage().wireName() + " " + name();
    }

    /** True if the result is the same bytes on every machine; else the tensor engine is part of the job key. */
    default boolean weightOnly() {
        return true;
    }

    /** True if the job takes the text that the policy names under {@code calibrate}. */
    default boolean calibrated() {
        return false;
    }

    /** True if the result speaks of the device class it ran on, which is then part of the job key. */
    default boolean dependsOnDevice() {
        return false;
    }

    default String canonicalJson() {
        return CanonicalJson.write(values());
    }

    /** Sets weights to zero, or removes neurons. */
    sealed interface Prune extends Parameters {
        @Override
        default StageName stage() {
            return StageName.PRUNE;
        }

        @Override
        default int version() {
            return 7;
        }
    }

    /**
     * Unstructured: zeroes the weights of smallest magnitude in every linear layer.
     *
     * @param fraction share of the weights to zero, 0 to 1; or
     * @param threshold zero every weight with |w| below it
     * @param global rank all layers together instead of each by itself
     */
    record Magnitude(OptionalDouble fraction, OptionalDouble threshold, boolean global) implements Prune {
        public Magnitude {
            if (fraction.isPresent() == threshold.isPresent()) {
                throw new IllegalArgumentException("magnitude pruning takes either 'fraction' or 'threshold'");
            }
            fraction.ifPresent(value -> Require.between("fraction", value, 0, 1));
            threshold.ifPresent(value -> Require.between("threshold", value, 0, Double.MAX_VALUE));
        }

        @Override
        public String name() {
            return "magnitude";
        }

        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = new TreeMap<>();
            fraction.ifPresent(value -> values.put("fraction", value));
            threshold.ifPresent(value -> values.put("threshold", value));
            values.put("global", global);
            return values;
        }
    }

    /**
     * Structured: removes the same number of feed-forward neurons from every layer.
     *
     * @param fraction share of the neurons to remove, 0 to 1
     * @param multipleOf the width that stays is rounded up to a multiple of this, so that a later quantize step can
     *     divide its rows
     * @param activations how neurons are ranked by what they do on the calibration text; empty: by their weights
     */
    record Neurons(double fraction, int multipleOf, Optional<Activations> activations) implements Prune {
        /** Of the text that the neurons answer to. */
        public record Activations(int sequences, int length) {
            public Activations {
                Require.between(SEQUENCES, sequences, 1, 65_536);
                Require.between(LENGTH, length, 2, 1 << 20);
            }
        }

        public static final String IMPORTANCE = "importance";
        public static final String BY_WEIGHTS = "weights";
        public static final String BY_ACTIVATIONS = "activations";
        public static final String SEQUENCES = "sequences";
        public static final String LENGTH = "length";

        public Neurons {
            Require.between("fraction", fraction, 0, 1);
            Require.between("multiple-of", multipleOf, 1, 1 << 20);
        }

        /** Ranked by their weights. */
        public Neurons(double fraction, int multipleOf) {
            this(fraction, multipleOf, Optional.empty());
        }

        @Override
        public boolean weightOnly() {
            return activations.isEmpty();
        }

        @Override
        public boolean calibrated() {
            return activations.isPresent();
        }

        /** How many of a layer's neurons stay; never more than there are, and never none. */
        public int kept(int neurons) {
            // The product may lie a rounding above the number that is meant: 640 × (1 − 0.7) is 192.00000000000003.
            long wanted = Math.max(1, (long) Math.ceil(neurons * (1 - fraction) - 1e-9));
            long rounded = Math.ceilDiv(wanted, (long) multipleOf) * multipleOf;
            return (int) Math.min(rounded, neurons);
        }

        @Override
        public String name() {
            return "neurons";
        }

        /** A ranking by weights is not named: it was the only one when the first keys were made. */
        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = new TreeMap<>(Map.of("fraction", fraction, "multiple-of", multipleOf));
            activations.ifPresent(windows -> {
                values.put(IMPORTANCE, BY_ACTIVATIONS);
                values.put(SEQUENCES, windows.sequences());
                values.put(LENGTH, windows.length());
            });
            return values;
        }

        @Override
        public String summary() {
            return Prune.super.summary() + (activations.isPresent() ? " by " + BY_ACTIVATIONS : "");
        }
    }

    /**
     * Trains the incoming model to follow the original.
     *
     * @param steps optimizer steps
     * @param batch sequences per step
     * @param length tokens per sequence
     * @param temperature softens both distributions; the loss is KL × temperature²
     * @param textWeight weight of the cross-entropy on the text itself, 0 to 1; the rest weighs the KL
     * @param learningRate peak of the schedule
     * @param product the result is the published folder, so it keeps the checkpoint's dtype; else F32
     */
    record Distill(
            int steps,
            int batch,
            int length,
            double temperature,
            double textWeight,
            double learningRate,
            boolean product)
            implements Parameters {
        public Distill {
            Require.between("steps", steps, 1, 10_000_000);
            Require.between("batch", batch, 1, 65_536);
            Require.between("length", length, 2, 1 << 20);
            Require.between("temperature", temperature, 0.01, 100);
            Require.between("text-weight", textWeight, 0, 1);
            Require.between("learning-rate", learningRate, 0, 1);
        }

        @Override
        public StageName stage() {
            return StageName.DISTILL;
        }

        @Override
        public String name() {
            return "logits";
        }

        @Override
        public int version() {
            return 9;
        }

        @Override
        public boolean weightOnly() {
            return false;
        }

        @Override
        public boolean calibrated() {
            return true;
        }

        @Override
        public SortedMap<String, Object> values() {
            return new TreeMap<>(Map.of(
                    "steps", steps,
                    "batch", batch,
                    "length", length,
                    "temperature", temperature,
                    "text-weight", textWeight,
                    "learning-rate", learningRate,
                    "product", product));
        }
    }

    /** Stores the weights in fewer bits, rounded to nearest. */
    sealed interface Quantize extends Parameters permits Gguf, CompressedTensors, Onnx, Literature {
        /** The format's own name for how it stores weights: a GGUF file type, a scheme, or an ONNX type. */
        String type();

        @Override
        default StageName stage() {
            return StageName.QUANTIZE;
        }

        @Override
        default int version() {
            return 13;
        }

        /** The row length must be a multiple of this for the type to be used everywhere. */
        int rowMultiple();

        /** Why no benchmark can time this format, so that no speed job is worth its place in a queue; empty if one can. */
        default Optional<String> untimed() {
            return Optional.empty();
        }

        @Override
        default String summary() {
            return name() + " " + type();
        }
    }

    /**
     * A GGUF model.
     *
     * @param tensorTypes how it departs from the file type's own mixture
     * @param parts when it goes on in another file; empty for one file
     */
    record Gguf(String type, GgufTensorTypes tensorTypes, Optional<GgufPartLimit> parts) implements Quantize {
        /** File types that this version writes. */
        public static final Set<String> TYPES = GgufFileType.names();

        public Gguf {
            Require.known("GGUF type", type, TYPES);
            // State that was written before steps could say more than a type.
            tensorTypes = Objects.requireNonNullElse(tensorTypes, GgufTensorTypes.OF_FILE_TYPE);
            if (GgufFileType.valueOf(type).plain() && !tensorTypes.byPattern().isEmpty()) {
                throw new IllegalArgumentException(type + " files hold all matrices in one type, but "
                        + tensorTypes.byPattern().getFirst() + " is asked for; choose a type of blocks");
            }
        }

        /** The file type's own mixture. */
        public Gguf(String type) {
            this(type, GgufTensorTypes.OF_FILE_TYPE, Optional.empty());
        }

        /** True for types that are too coarse without an importance matrix. */
        public boolean needsImportance() {
            return fileType().needsImportance();
        }

        @Override
        public String name() {
            return "gguf";
        }

        @Override
        public int rowMultiple() {
            return fileType().rowMultiple();
        }

        private GgufFileType fileType() {
            return GgufFileType.valueOf(type);
        }

        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = new TreeMap<>(Map.of("type", type));
            tensorTypes.describe(values);
            switch (parts.orElse(null)) {
                case GgufPartLimit.Size(long bytes) -> values.put(GgufPartLimit.SIZE, bytes);
                case GgufPartLimit.Tensors(int most) -> values.put(GgufPartLimit.TENSORS, most);
                case null -> {}
            }
            return values;
        }

        @Override
        public String summary() {
            return Quantize.super.summary()
                    + tensorTypes.summary()
                    + parts.map(limit -> ", in parts of " + limit).orElse("");
        }
    }

    /**
     * A Hugging Face folder in compressed-tensors form.
     *
     * @param modules which of them get another scheme, or none
     * @param shards when the weights go on in another file; empty for where Hugging Face splits, at 5 GB
     */
    record CompressedTensors(String type, CompressedModules modules, Optional<GgufPartLimit.Size> shards)
            implements Quantize {
        /** Schemes that this version writes. */
        public static final Set<String> TYPES = CompressedScheme.names();

        public static final String UNTIMED =
                "no runtime of this worker executes compressed-tensors; serving engines on a GPU do";

        public CompressedTensors {
            Require.known("compressed-tensors scheme", type, TYPES);
            // State that was written before steps could say more than a scheme.
            modules = Objects.requireNonNullElse(modules, CompressedModules.ALIKE);
        }

        /** One scheme for all modules, in files of the usual size. */
        public CompressedTensors(String type) {
            this(type, CompressedModules.ALIKE, Optional.empty());
        }

        @Override
        public String name() {
            return "compressed-tensors";
        }

        @Override
        public Optional<String> untimed() {
            return Optional.of(UNTIMED);
        }

        @Override
        public int rowMultiple() {
            // All are powers of two: rows that fit the largest fit each.
            int largest = CompressedScheme.valueOf(type).rowMultiple();
            for (CompressedModules.PatternScheme other : modules.byPattern()) {
                largest = Math.max(
                        largest, CompressedScheme.valueOf(other.scheme()).rowMultiple());
            }
            return largest;
        }

        @Override
        public SortedMap<String, Object> values() {
            SortedMap<String, Object> values = new TreeMap<>(Map.of("scheme", type));
            modules.describe(values);
            shards.ifPresent(limit -> values.put(GgufPartLimit.SIZE, limit.bytes()));
            return values;
        }

        @Override
        public String summary() {
            return Quantize.super.summary()
                    + modules.summary()
                    + shards.map(limit -> ", in parts of " + limit).orElse("");
        }
    }

    /** A folder with an ONNX graph and its weights. */
    record Onnx(String type) implements Quantize {
        /** Types that this version writes: whole numbers of 4 or 8 bits in blocks of 32. */
        public static final Set<String> TYPES = Set.of("int4", "int8");

        public static final String UNTIMED = "this worker has no ONNX Runtime; a machine that has it runs the graph";

        public Onnx {
            Require.known("ONNX type", type, TYPES);
        }

        @Override
        public String name() {
            return "onnx";
        }

        @Override
        public Optional<String> untimed() {
            return Optional.of(UNTIMED);
        }

        @Override
        public int rowMultiple() {
            return 32;
        }

        @Override
        public SortedMap<String, Object> values() {
            return new TreeMap<>(Map.of("type", type));
        }
    }

    /** Measures a candidate against the original. */
    sealed interface Benchmark extends Parameters {
        @Override
        default StageName stage() {
            return StageName.BENCHMARK;
        }

        @Override
        default int version() {
            return 5;
        }

        @Override
        default boolean weightOnly() {
            return false;
        }
    }

    /**
     * Perplexity, divergence and sizes.
     *
     * @param sequences windows at most
     * @param length tokens per window
     */
    record Quality(int sequences, int length) implements Benchmark {
        public Quality {
            Require.between("sequences", sequences, 1, 1 << 20);
            Require.between("length", length, 2, 1 << 20);
        }

        @Override
        public String name() {
            return "quality";
        }

        @Override
        public SortedMap<String, Object> values() {
            return new TreeMap<>(Map.of("sequences", sequences, "length", length));
        }
    }

    /**
     * Tokens per second of original and candidate, alternating in one runtime.
     *
     * @param promptTokens tokens of the prompt
     * @param generatedTokens tokens generated one by one
     * @param pairs measured pairs after the warm-up
     */
    record Speed(int promptTokens, int generatedTokens, int pairs) implements Benchmark {
        public Speed {
            Require.between("prompt-tokens", promptTokens, 1, 1 << 20);
            Require.between("generated-tokens", generatedTokens, 1, 1 << 20);
            Require.between("pairs", pairs, 1, 1000);
        }

        @Override
        public String name() {
            return "speed";
        }

        @Override
        public boolean dependsOnDevice() {
            return true;
        }

        @Override
        public SortedMap<String, Object> values() {
            return new TreeMap<>(
                    Map.of("prompt-tokens", promptTokens, "generated-tokens", generatedTokens, "pairs", pairs));
        }
    }
}
