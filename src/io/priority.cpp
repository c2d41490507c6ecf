#include "io/priority.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace deltadrop::io {

void let_others_go_first() {
  // Each step of niceness multiplies the share by about 0.8 (sched(7)). Unlike POSIX, Linux keeps it per
  // thread.
  constexpr int kNice = 5;
  static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice));
}

}  // namespace deltadrop::io
