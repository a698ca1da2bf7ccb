@NullMarked
package io.millrace.models;

import org.jspecify.annotations.NullMarked;
