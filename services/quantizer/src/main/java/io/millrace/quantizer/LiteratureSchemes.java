package io.millrace.quantizer;

import io.millrace.events.Literature;
import io.millrace.tensors.format.literature.LiteratureScheme;
import io.millrace.tensors.kernel.literature.UniformInputs;

/** Schemes as a policy asks for them, as the tensors module knows them. */
final class LiteratureSchemes {
    private LiteratureSchemes() {}

    static LiteratureScheme of(Literature wanted) {
        LiteratureScheme.Weights weights = switch (wanted) {
            case Literature.Uniform uniform -> new LiteratureScheme.Uniform(uniform.bits(), uniform.levels());
            case Literature.Binary _ -> new LiteratureScheme.Binary();
            case Literature.Ternary ternary -> new LiteratureScheme.Ternary(ternary.threshold());
        };
        return new LiteratureScheme(
                weights, wanted.inputs().map(inputs -> new UniformInputs(inputs.bits(), inputs.levels())));
    }
}
