package io.millrace.client;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What PEFT writes of a LoRA training: what is to be added to the weights of a model that lies elsewhere.
 *
 * @param files those of the adapter, by name
 */
public record LoraAdapter(Path folder, List<String> files) {
    private static final List<String> FILES =
            List.of("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin");

    public LoraAdapter {
        files = List.copyOf(files);
    }

    /** The adapter that lies in a folder, alone or beside a model. */
    public static Optional<LoraAdapter> in(Path folder) {
        List<String> found = FILES.stream().filter(name -> has(folder, name)).toList();
        return found.isEmpty() ? Optional.empty() : Optional.of(new LoraAdapter(folder, found));
    }

    /** No model lies beside it. */
    public boolean alone() {
        return !has(folder, CheckpointFolder.CONFIG) || (!has(folder, Weights.SINGLE) && !has(folder, Weights.INDEX));
    }

    /** Why it is no checkpoint, with the remedy. */
    public String refusal() {
        return folder + ": is a LoRA adapter (" + String.join(", ", files)
                + "), which is no model without the one that it was trained on; " + remedy();
    }

    /** That the model beside it goes without it. */
    public String remark() {
        return "a LoRA adapter lies beside the model (" + String.join(", ", files)
                + ") and is left out; if it shall count, " + remedy();
    }

    private String remedy() {
        return "merge it: AutoPeftModelForCausalLM.from_pretrained('" + folder
                + "').merge_and_unload().save_pretrained('NEW-FOLDER'), and save the tokenizer there too";
    }

    private static boolean has(Path folder, String name) {
        return Files.exists(folder.resolve(name), LinkOption.NOFOLLOW_LINKS);
    }
}
