package io.millrace.events;

/** One step of a recipe, and the device class that works on it. */
public record Step(Parameters parameters, Device device) {}
