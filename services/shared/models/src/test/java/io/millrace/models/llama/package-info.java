@NullMarked
package io.millrace.models.llama;

import org.jspecify.annotations.NullMarked;
