package io.millrace.tensors.format.onnx;

import io.millrace.tensors.kernel.onnx.NBits;
import java.util.List;
import java.util.Optional;

/** Where a graph holds the rows of a tensor, [rows, rowLength], and as what. */
sealed interface StoredWeight {
    long rows();

    /** Numbers as they are. */
    record Dense(ExternalTensor tensor, long rows) implements StoredWeight {}

    /** The matrix [rowLength, rows]: a plain product takes its columns for rows. */
    record Transposed(ExternalTensor tensor, long rows) implements StoredWeight {}

    /**
     * Codes in blocks.
     *
     * @param zeroPoints packed, or numbers; absent where all are the middle
     * @param inputsRounded true if what is multiplied is rounded as well
     */
    record Blocks(
            NBits format,
            ExternalTensor codes,
            ExternalTensor scales,
            Optional<ExternalTensor> zeroPoints,
            long rows,
            boolean inputsRounded)
            implements StoredWeight {}

    /** Rows {@code [first, first + rows)} of another: q within q, k and v for example. */
    record Part(StoredWeight whole, long first, long rows) implements StoredWeight {}

    /** One below the other. */
    record Stacked(List<StoredWeight> parts) implements StoredWeight {
        public Stacked {
            parts = List.copyOf(parts);
        }

        @Override
        public long rows() {
            return parts.stream().mapToLong(StoredWeight::rows).sum();
        }
    }

    /** The blocks that it consists of, as far as it does. */
    default Optional<Blocks> blocks() {
        return switch (this) {
            case Blocks blocks -> Optional.of(blocks);
            case Part(StoredWeight whole, var _, var _) -> whole.blocks();
            case Stacked(List<StoredWeight> parts) -> parts.getFirst().blocks();
            case Dense _, Transposed _ -> Optional.empty();
        };
    }
}
