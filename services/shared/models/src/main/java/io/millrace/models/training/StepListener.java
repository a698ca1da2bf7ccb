package io.millrace.models.training;

import java.io.IOException;

/** Told after each step; may read the model's weights then. */
@FunctionalInterface
public interface StepListener {
    void done(StepReport report) throws IOException;
}
