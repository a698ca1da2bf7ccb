@NullMarked
package io.millrace.models.training;

import org.jspecify.annotations.NullMarked;
