package io.millrace.models.training;

/** Which weights of a student that are exactly zero stay so. */
public enum KeptZeros {
    NONE(1),
    /** Those of matrices that look pruned: more than a tenth of them is zero. */
    OF_SPARSE_MATRICES(0.10),
    /** Every zero of a matrix: the student is known to be pruned, however little. */
    OF_ALL_MATRICES(0);

    private final double above;

    KeptZeros(double above) {
        this.above = above;
    }

    /** Whether a matrix keeps its zeros, of which it has some, and this share of all. */
    boolean keeps(double share) {
        return above == 0 || share > above;
    }
}
