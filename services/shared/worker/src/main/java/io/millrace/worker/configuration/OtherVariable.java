package io.millrace.worker.configuration;

/** A variable that no option stands for: of the launcher, of native code, or of the tests. */
public enum OtherVariable {
    CONFIG("The file of settings, as `--config`."),
    JAVA_OPTS("The launcher: more flags for the JVM, such as `-Xmx4g`."),
    NO_BUILD("The launcher: `1` never builds, and uses what is there."),
    TENSOR_THREADS("Threads of a tensor operation (default: 1)."),
    TENSOR_DEVICE("Where tensors live: `cpu` (default) or `cuda`."),
    LLAMA_LIBRARY("The library of llama.cpp, instead of the one that comes with the build."),
    LOG_APPENDER("`TEXT` (default) or `JSON`: the log until `--log-json` is read."),
    PLANTED_FAULT("`scales` spoils what the quantizer makes, to show that the gate sees it."),
    CHECKPOINTS("`docker-compose.yml`: the folder of the checkpoints."),
    RECEIVERS("`docker-compose.yml`: the folder of Alertmanager's keys, one file for each receiver."),
    PYTHON("Tests: a Python that has transformers."),
    VLLM_PYTHON("Tests: a Python that has vLLM for CPUs."),
    PROMETHEUS("Tests: the folder of `prometheus`, `promtool` and `amtool`."),
    S3("Tests: an S3 server that knows their key, instead of s3proxy."),
    S3_TRUSTING("Tests: an S3 server that asks for no key, instead of s3proxy.");

    private final String meaning;

    OtherVariable(String meaning) {
        this.meaning = meaning;
    }

    public String variable() {
        return Setting.VARIABLE_START + name();
    }

    public String meaning() {
        return meaning;
    }
}
