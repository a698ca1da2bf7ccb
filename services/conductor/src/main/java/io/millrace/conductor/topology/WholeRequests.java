package io.millrace.conductor.topology;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.deser.DeserializationProblemHandler;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import io.millrace.events.Policy;
import java.io.IOException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.HashSet;
import java.util.Set;

/**
 * What a policy asks for is read whole or not at all: a conductor that is rolled back and skips what a later version's policy
 * asks for would make, or accept, another model. A field that asks for nothing may be skipped.
 */
final class WholeRequests extends DeserializationProblemHandler {
    private final Set<Class<?>> asked = new HashSet<>();

    WholeRequests() {
        collect(Policy.class);
    }

    @Override
    public boolean handleUnknownProperty(
            DeserializationContext context,
            JsonParser json,
            JsonDeserializer<?> deserializer,
            Object target,
            String name)
            throws IOException {
        Class<?> type = deserializer.handledType();
        if (!asked.contains(type)) {
            return false;
        }
        if (asksForSomething(context.readTree(json))) {
            throw UnrecognizedPropertyException.from(json, type, name, deserializer.getKnownPropertyNames());
        }
        return true;
    }

    private static boolean asksForSomething(JsonNode value) {
        return value.isContainerNode()
                ? value.valueStream().anyMatch(WholeRequests::asksForSomething)
                : !value.isNull() && !(value.isBoolean() && !value.booleanValue());
    }

    private void collect(Type type) {
        if (type instanceof ParameterizedType of) {
            for (Type argument : of.getActualTypeArguments()) {
                collect(argument);
            }
        } else if (type instanceof Class<?> found
                && found.getPackage() == Policy.class.getPackage()
                && asked.add(found)) {
            if (found.isSealed()) {
                for (Class<?> permitted : found.getPermittedSubclasses()) {
                    collect(permitted);
                }
            }
            if (found.isRecord()) {
                for (RecordComponent component : found.getRecordComponents()) {
                    collect(component.getGenericType());
                }
            }
        }
    }
}
