package io.millrace.models.training;

import java.util.OptionalDouble;

/**
 * What one step did; the losses are those before its update.
 *
 * @param step counts from 1
 * @param loss what was minimised
 * @param crossEntropy nats per token; empty where it is no part of the loss
 * @param divergence KL(teacher ‖ student) at the temperature, times its square; empty without a teacher
 */
public record StepReport(
        long step,
        double loss,
        OptionalDouble crossEntropy,
        OptionalDouble divergence,
        double learningRate,
        double gradientNorm) {}
