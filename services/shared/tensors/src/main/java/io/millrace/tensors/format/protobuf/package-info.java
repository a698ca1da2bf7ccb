/** Messages of protocol buffers in the making, field by field; what their numbers mean is known to the formats that use them. */
@NullMarked
package io.millrace.tensors.format.protobuf;

import org.jspecify.annotations.NullMarked;
