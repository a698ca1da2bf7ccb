@NullMarked
package io.millrace.models.speed;

import org.jspecify.annotations.NullMarked;
