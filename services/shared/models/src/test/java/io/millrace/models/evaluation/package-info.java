@NullMarked
package io.millrace.models.evaluation;

import org.jspecify.annotations.NullMarked;
