package io.millrace.models.llama;

/**
 * A build of llama.cpp whose structures we know. The C structures change with every release and carry no version, and a
 * wrong offset corrupts memory silently: any other build is refused. Offsets and sizes are in bytes.
 *
 * <pre>
 *                                          b4916   v0.5.0
 * llama_model_params    size                  64       80
 *   n_gpu_layers i32                           8       16
 *   memory mapping      use_mmap u8           57        –
 *                       load_mode i32          –       24   (1 = memory-mapped)
 * llama_context_params  size                 120      160
 *   n_ctx, n_batch, n_ubatch i32         0, 4, 8  0, 4, 8
 *   n_threads, n_threads_batch i32        16, 20   28, 32
 *   flash attention     flash_attn u8         99        –
 *                       flash_attn_type i32    –       52   (0 = off)
 *   type_k, type_v i32                    88, 92 104, 108   (0 = F32)
 * llama_batch           size                  56       56
 *   n_tokens i32 0, token * 8, pos * 24, logits * 48
 * </pre>
 */
enum LlamaBuild {
    /** March 2025, inside de.kherud:llama:4.2.0. */
    B4916("llama.cpp b4916", false, 64, 8, 57, 120, 16, 99, 88),
    /** Release 0.5.0, commit 0ad4a86, as node-llama-cpp 3.22.1 carries it. */
    V0_5_0("llama.cpp v0.5.0", true, 80, 16, 24, 160, 28, 52, 104);

    static final int B4916_NUMBER = 4916;
    static final String V0_5_0_COMMIT = "0ad4a86";
    static final int BATCH_SIZE = 56;
    static final int BATCH_TOKENS = 8;
    static final int BATCH_POSITIONS = 24;
    static final int BATCH_LOGITS = 48;

    final String description;
    /** Memory mapping and flash attention are i32 enumerations instead of u8 flags. */
    final boolean enumerations;

    final int modelSize;
    final int gpuLayers;
    final int mapping;
    final int contextSize;
    final int threads;
    final int flashAttention;
    final int cacheTypes;

    LlamaBuild(
            String description,
            boolean enumerations,
            int modelSize,
            int gpuLayers,
            int mapping,
            int contextSize,
            int threads,
            int flashAttention,
            int cacheTypes) {
        this.description = description;
        this.enumerations = enumerations;
        this.modelSize = modelSize;
        this.gpuLayers = gpuLayers;
        this.mapping = mapping;
        this.contextSize = contextSize;
        this.threads = threads;
        this.flashAttention = flashAttention;
        this.cacheTypes = cacheTypes;
    }
}
