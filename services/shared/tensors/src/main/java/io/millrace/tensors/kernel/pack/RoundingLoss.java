package io.millrace.tensors.kernel.pack;

/**
 * What rounding did to some weights. Sums are double, added group after group in the order of the rows, so that they do
 * not depend on threads or vector width.
 */
public final class RoundingLoss {
    private double errorSquares;
    private double valueSquares;
    private double maxError;
    private long zerosBefore;
    private long zerosAfter;

    /** Adds the losses of a group or of a block of groups that follows. */
    public void add(double errorSquares, double valueSquares, double maxError, long zerosBefore, long zerosAfter) {
        this.errorSquares += errorSquares;
        this.valueSquares += valueSquares;
        this.maxError = Math.max(this.maxError, maxError);
        this.zerosBefore += zerosBefore;
        this.zerosAfter += zerosAfter;
    }

    public void add(RoundingLoss next) {
        add(next.errorSquares, next.valueSquares, next.maxError, next.zerosBefore, next.zerosAfter);
    }

    /** ||w − w′|| / ||w||, 0 for weights that are all zero. */
    public double relativeError() {
        return valueSquares == 0 ? 0 : Math.sqrt(errorSquares / valueSquares);
    }

    public double maxError() {
        return maxError;
    }

    public long zerosBefore() {
        return zerosBefore;
    }

    public long zerosAfter() {
        return zerosAfter;
    }
}
