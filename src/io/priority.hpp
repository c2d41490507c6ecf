#pragma once

namespace deltadrop::io {

/// Gives this thread about a third of another thread's share when both want the processor. This is only
/// advice; a failure is ignored.
void let_others_go_first();

}  // namespace deltadrop::io
