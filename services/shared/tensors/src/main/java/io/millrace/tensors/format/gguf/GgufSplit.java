package io.millrace.tensors.format.gguf;

import java.util.ArrayList;
import java.util.List;

/** When a model goes on in another file: the rules of llama.cpp's {@code gguf-split}. */
public sealed interface GgufSplit {
    /** Before a part's tensors, padding included, would become larger; a larger tensor has a part of its own. */
    record AtBytes(long most) implements GgufSplit {
        public AtBytes {
            if (most < 1) {
                throw new IllegalArgumentException("a part of " + most + " bytes holds no tensor");
            }
        }
    }

    /** After so many tensors. */
    record AtTensors(int most) implements GgufSplit {
        public AtTensors {
            if (most < 1) {
                throw new IllegalArgumentException("a part of " + most + " tensors holds no tensor");
            }
        }
    }

    /** The tensors in their order, cut into parts, none of which is empty. */
    default List<List<PlannedTensor>> cut(List<PlannedTensor> tensors) {
        List<List<PlannedTensor>> parts = new ArrayList<>();
        List<PlannedTensor> part = new ArrayList<>();
        long partBytes = 0;
        for (PlannedTensor tensor : tensors) {
            long bytes = GgufHeader.padded(tensor.target().byteSize(), GgufHeader.DEFAULT_ALIGNMENT);
            boolean full = switch (this) {
                case AtBytes(long most) -> partBytes + bytes > most;
                case AtTensors(int most) -> part.size() == most;
            };
            if (full && !part.isEmpty()) {
                parts.add(part);
                part = new ArrayList<>();
                partBytes = 0;
            }
            part.add(tensor);
            partBytes += bytes;
        }
        parts.add(part);
        if (parts.size() > GgufPartName.MOST_PARTS) {
            throw new IllegalArgumentException("the model would lie in " + parts.size() + " files, expected at most "
                    + GgufPartName.MOST_PARTS + "; make the parts larger");
        }
        return parts;
    }
}
