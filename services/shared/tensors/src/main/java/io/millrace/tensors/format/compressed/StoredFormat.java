package io.millrace.tensors.format.compressed;

import io.millrace.tensors.architecture.TensorRole;
import io.millrace.tensors.architecture.TensorRule;
import io.millrace.tensors.kernel.pack.Code;
import io.millrace.tensors.kernel.pack.InputRounding;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * How a folder stores its modules.
 *
 * @param groups of quantized modules; as the library has it, a module belongs to the last group that names it, else to
 *     that of the first by the alphabet of all patterns that it matches, else to the last of all linear modules
 * @param ignored modules that stay dense
 */
record StoredFormat(List<Group> groups, ModuleNames ignored) {
    /** Which tensors a module has. */
    enum Kind {
        /** Words of packed codes. */
        PACKED_INTEGERS("pack-quantized"),
        /** One I8 per weight. */
        INTEGERS("int-quantized"),
        /** One F8_E4M3 per weight. */
        FLOATS("float-quantized"),
        /** Two codes per byte; scales are powers of two. */
        MX_FLOATS("mxfp4-pack-quantized"),
        /** Two codes per byte; scales are 8-bit floats in units of a global scale. */
        NV_FLOATS("nvfp4-pack-quantized");

        private final String format;

        Kind(String format) {
            this.format = format;
        }

        /** As config.json spells it. */
        String format() {
            return format;
        }

        boolean holds(Code code) {
            return switch (this) {
                case PACKED_INTEGERS -> !code.floating();
                case INTEGERS -> code == Code.INT8;
                case FLOATS -> code == Code.E4M3;
                case MX_FLOATS, NV_FLOATS -> code == Code.E2M1;
            };
        }

        static Optional<Kind> named(String format) {
            return Arrays.stream(values())
                    .filter(kind -> kind.format.equals(format))
                    .findFirst();
        }

        static List<String> formats() {
            return Arrays.stream(values()).map(Kind::format).sorted().toList();
        }
    }

    /**
     * What quantized modules have in common.
     *
     * @param symmetric whether there are no zero points
     * @param groupRows rows that share their scales; 0 for all
     * @param groupSize weights of a row that share a scale; 0 for all
     * @param indexed whether a tensor says to which group each column belongs; else neighbours share a scale
     * @param inputRounding how consumers round the inputs of such modules as they run them
     */
    record Modules(
            Kind kind,
            Code code,
            boolean symmetric,
            int groupRows,
            int groupSize,
            boolean indexed,
            Optional<InputRounding> inputRounding) {
        boolean packed() {
            return kind != Kind.INTEGERS && kind != Kind.FLOATS;
        }

        /** Weights that share a scale in rows of {@code rowLength}. */
        long groupLength(long rowLength) {
            return groupSize == 0 ? rowLength : groupSize;
        }

        /** Whether blocks at the right edge may be narrower than others. */
        boolean blocks() {
            return groupRows > 1;
        }

        long scaleRows(long rows) {
            return groupRows == 0 ? 1 : Math.ceilDiv(rows, groupRows);
        }

        long scaleRow(long row) {
            return groupRows == 0 ? 0 : row / groupRows;
        }
    }

    /** @param linear whether every linear module is meant that no other group names */
    record Group(ModuleNames targets, boolean linear, Modules modules) {}

    /**
     * How a tensor's module is quantized; empty if it is dense.
     *
     * @param names what the module may be called
     */
    Optional<Modules> of(TensorRule rule, List<String> names) {
        boolean linear = switch (rule.role()) {
            // To the library an output head is a linear module like any other.
            case TensorRole.Linear _, TensorRole.OutputHead _ -> true;
            case TensorRole.Embedding _, TensorRole.Bias _, TensorRole.Norm _, TensorRole.Router _ -> false;
        };
        if (!linear || names.stream().anyMatch(name -> ignored.lists(name) || ignored.matches(name))) {
            return Optional.empty();
        }
        return last(group -> names.stream().anyMatch(group.targets()::lists))
                .or(() -> ofLeastPattern(names))
                .or(() -> last(Group::linear));
    }

    private Optional<Modules> last(Predicate<Group> condition) {
        return groups.reversed().stream().filter(condition).findFirst().map(Group::modules);
    }

    private Optional<Modules> ofLeastPattern(List<String> names) {
        Optional<Modules> modules = Optional.empty();
        String least = "";
        for (Group group : groups) {
            for (String name : names) {
                Optional<String> pattern = group.targets().leastMatch(name);
                if (pattern.isPresent() && (modules.isEmpty() || pattern.get().compareTo(least) <= 0)) {
                    modules = Optional.of(group.modules());
                    least = pattern.get();
                }
            }
        }
        return modules;
    }
}
