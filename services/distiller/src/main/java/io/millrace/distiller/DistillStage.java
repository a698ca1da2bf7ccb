package io.millrace.distiller;

import io.millrace.events.Device;
import io.millrace.events.Digest;
import io.millrace.events.Measurement;
import io.millrace.events.Parameters.Distill;
import io.millrace.events.Reason;
import io.millrace.events.Role;
import io.millrace.events.StageName;
import io.millrace.models.TensorRuntime;
import io.millrace.models.TokenStream;
import io.millrace.models.Tokenizer;
import io.millrace.models.training.Distillation;
import io.millrace.models.training.DistillationSettings;
import io.millrace.models.training.DivergedException;
import io.millrace.models.training.KeptZeros;
import io.millrace.models.training.OptimizerSettings;
import io.millrace.models.training.TrainingSettings;
import io.millrace.tensors.MalformedFileException;
import io.millrace.tensors.checkpoint.Checkpoint;
import io.millrace.worker.CalibrationText;
import io.millrace.worker.Stage;
import io.millrace.worker.StageException;
import io.millrace.worker.StageInput;
import io.millrace.worker.StageOutput;
import io.millrace.worker.Workspace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Distills a student from the original. It saves its state every tenth of the way, and goes on from there when a process
 * died. A pruned student keeps its zeros.
 */
public final class DistillStage implements Stage<Distill> {
    private static final Logger LOG = LoggerFactory.getLogger(DistillStage.class);
    private static final int WARM_UP_SHARE = 10;
    private static final int SAVES = 10;

    @Override
    public Class<Distill> parameters() {
        return Distill.class;
    }

    @Override
    public StageOutput run(StageInput<Distill> input, Workspace workspace)
            throws StageException, IOException, InterruptedException {
        Distill parameters = input.parameters();
        Path folder = input.require(Role.MODEL);
        try (Checkpoint teacher = Checkpoint.openOriginal(input.require(Role.ORIGINAL));
                Checkpoint student = Checkpoint.open(folder)) {
            student.leftOut().ifPresent(LOG::info);
            student.modules().lost().ifPresent(LOG::info);
            // Before the first step: a NaN that was there all along must not look like a learning rate too high.
            teacher.requireFinite();
            student.requireFinite();
            Text text = text(input, folder, student.config().vocabularySize());
            return distill(teacher, student, text, input, workspace);
        } catch (MalformedFileException e) {
            throw new StageException(Reason.ofCode(e.kind().code()), String.valueOf(e.getMessage()), e);
        } catch (DivergedException e) {
            throw new StageException(
                    Reason.DIVERGED,
                    e.getMessage() + "; ask for a lower learning rate than " + parameters.learningRate(),
                    e);
        }
    }

    private static StageOutput distill(
            Checkpoint teacher, Checkpoint student, Text text, StageInput<Distill> input, Workspace workspace)
            throws IOException, InterruptedException {
        Distill parameters = input.parameters();
        // What a distillation wrote may have been pruned before it: exact zeros of another kind are rare there.
        String made = student.metadata().get(Checkpoint.MADE);
        boolean pruned = StageName.PRUNE.wireName().equals(made)
                || StageName.DISTILL.wireName().equals(made);
        try (Distillation distillation = Distillation.begin(
                teacher, student, text.tokens(), settings(parameters, pruned, input.seed()), workspace::progress)) {
            LossCurve curve = train(distillation, parameters, workspace);
            Path output = Files.createDirectories(workspace.folder().resolve("output"));
            StudentFolder.write(output, student, distillation.student(), parameters.product());
            Files.copy(
                    workspace.folder().resolve(LossCurve.FILE),
                    output.resolve(LossCurve.FILE),
                    java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            return new StageOutput(output, List.of(loss(curve, parameters, text, input.device())));
        }
    }

    private record Text(TokenStream tokens, Digest digest) {}

    private static Text text(StageInput<Distill> input, Path tokenizerFolder, int vocabularySize)
            throws StageException, IOException {
        CalibrationText calibration =
                CalibrationText.of(input, "a distill step needs a text to learn on", Tokenizer::refusal);
        try (Tokenizer tokenizer = Tokenizer.open(tokenizerFolder)) {
            TokenStream stream = TokenStream.of(tokenizer, calibration.text());
            stream.requireBelow(vocabularySize);
            CalibrationText.requireTokens(
                    stream.tokens().length, input.parameters().length());
            return new Text(stream, calibration.digest());
        }
    }

    private static DistillationSettings settings(Distill parameters, boolean pruned, long seed) {
        int warmUp = Math.max(1, parameters.steps() / WARM_UP_SHARE);
        return new DistillationSettings(
                new TrainingSettings(
                        parameters.steps(),
                        parameters.batch(),
                        parameters.length(),
                        OptimizerSettings.of(parameters.learningRate(), warmUp),
                        seed),
                parameters.temperature(),
                parameters.textWeight(),
                pruned ? KeptZeros.OF_ALL_MATRICES : KeptZeros.OF_SPARSE_MATRICES);
    }

    private static LossCurve train(Distillation distillation, Distill parameters, Workspace workspace)
            throws IOException, InterruptedException {
        Path state = workspace.folder().resolve("state");
        if (Files.isDirectory(state)) {
            try {
                distillation.resume(state);
                LOG.atInfo().addKeyValue("step", distillation.done()).log("distillation resumes from its saved state");
            } catch (IOException e) {
                // A state that was cut off by a crash is worth nothing; beginning anew gives the same result.
                LOG.atWarn()
                        .addKeyValue("cause", String.valueOf(e.getMessage()))
                        .log("distillation state is not usable, begins anew");
            }
        }
        LossCurve curve = LossCurve.resume(workspace.folder().resolve(LossCurve.FILE), distillation.done());
        int between = Math.max(1, parameters.steps() / SAVES);
        distillation.run(
                step -> {
                    curve.append(step);
                    if (step.step() % between == 0 && step.step() < parameters.steps()) {
                        distillation.saveState(state);
                    }
                },
                workspace::progress);
        return curve;
    }

    private static Measurement loss(LossCurve curve, Distill parameters, Text text, Device device) throws IOException {
        double[] ends = curve.ends();
        return new Measurement(
                "distillation-loss",
                OptionalDouble.of(ends[1]),
                OptionalDouble.empty(),
                OptionalDouble.of(ends[0]),
                "nat",
                TensorRuntime.start().description(),
                device,
                parameters.batch() * (parameters.length() - 1L),
                Optional.of(text.digest()),
                "last step beside the first; (1 − w) × KL at temperature " + parameters.temperature()
                        + " × its square + w × cross-entropy of the text, w = " + parameters.textWeight());
    }
}
