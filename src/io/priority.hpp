#pragma once

namespace deltadrop::io {

/// Gives this thread a third of what others get where they want the processors too. Advice: a system that
/// does not take it is no error.
void let_others_go_first();

}  // namespace deltadrop::io
