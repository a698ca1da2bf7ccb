package io.millrace.tensors.architecture;

import com.fasterxml.jackson.databind.JsonNode;
import io.millrace.tensors.MalformedFileException;
import java.util.stream.Collectors;

/** Which of the known architectures a config.json means. */
final class ArchitectureParser {
    private ArchitectureParser() {}

    static Architecture parse(ConfigJson config) throws MalformedFileException {
        JsonNode classes = config.at("architectures");
        if (config.present("architectures")
                && !(classes.isArray() && classes.size() == 1 && classes.get(0).isTextual())) {
            throw config.problem("'architectures' is " + classes + ", expected a list of one name");
        }
        String className = classes.path(0).asText("");
        String modelType = config.present("model_type") ? config.text("model_type") : "";
        for (Architecture architecture : Architecture.known()) {
            boolean sameClass = className.isEmpty() || architecture.named(className);
            boolean sameType = modelType.isEmpty() || architecture.modelType().equals(modelType);
            if (sameClass && sameType && !(className.isEmpty() && modelType.isEmpty())) {
                return architecture;
            }
        }
        if (config.present("text_config")) {
            throw config.unknown("found the multimodal '" + className + "', whose text model lies within 'text_config',"
                    + " expected Gemma3ForConditionalGeneration or a model of text alone; save its text model by itself,"
                    + " and the tokenizer likewise");
        }
        String known = Architecture.known().stream()
                .map(architecture -> architecture.className() + " (" + architecture.modelType() + ")")
                .collect(Collectors.joining(", "));
        String found = className.isEmpty() && modelType.isEmpty()
                ? "neither 'architectures' nor 'model_type' is there"
                : "found architecture '" + className + "' with model_type '" + modelType + "'";
        throw config.unknown(found + ", expected one of " + known + "; CONTRIBUTING.md shows how to add one");
    }
}
