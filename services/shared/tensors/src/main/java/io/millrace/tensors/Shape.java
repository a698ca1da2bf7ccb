package io.millrace.tensors;

import java.util.List;

/**
 * The extents of a tensor in torch order: row-major, the last extent is the row length. A scalar has no extents.
 * The number of elements always fits a {@code long}.
 */
public record Shape(List<Long> extents) {
    public Shape {
        extents = List.copyOf(extents);
        long elements = 1;
        for (long extent : extents) {
            if (extent < 0) {
                throw new IllegalArgumentException("negative extent in shape " + extents);
            }
            elements = Math.multiplyExact(elements, extent);
        }
    }

    public static Shape of(long... extents) {
        return new Shape(java.util.Arrays.stream(extents).boxed().toList());
    }

    public int rank() {
        return extents.size();
    }

    public long extent(int axis) {
        return extents.get(axis);
    }

    public long elements() {
        long elements = 1;
        for (long extent : extents) {
            elements *= extent;
        }
        return elements;
    }

    /** Elements per row: the last extent, 1 for a scalar. */
    public long rowLength() {
        return extents.isEmpty() ? 1 : extents.getLast();
    }

    /** Rows when all leading axes are flattened: a vector is one row. */
    public long rows() {
        long rows = 1;
        for (int axis = 0; axis < extents.size() - 1; axis++) {
            rows *= extents.get(axis);
        }
        return rows;
    }

    @Override
    public String toString() {
        return extents.toString();
    }
}
