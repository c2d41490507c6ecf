#pragma once

namespace deltadrop::lake {

/// Gives memory that Arrow and the C library keep for later back to the system. Takes some milliseconds.
void release_unused_memory();

}  // namespace deltadrop::lake
