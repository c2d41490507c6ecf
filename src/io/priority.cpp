#include "io/priority.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace deltadrop::io {

void let_others_go_first() {
  // Each step of niceness is a quarter (sched(7)). Linux keeps it for each thread, whatever POSIX says.
  constexpr int kNice = 5;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
}

}  // namespace deltadrop::io
