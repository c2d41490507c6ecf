#include <csignal>

#include "io/fault_calls.hpp"
#include "io/fault_plan.hpp"
#include "io/fault_point.hpp"

namespace deltadrop::io {

int fault_point(std::string_view name, const std::filesystem::path& path) noexcept {
  using faults::Kind;
  const auto& plan = faults::plan();
  if (plan.kind == Kind::none) return 0;
  faults::watch_calls();
  if (plan.kind == Kind::trace) faults::trace("point", path.native(), name);
  if (plan.kind != Kind::kill && plan.kind != Kind::fail) return 0;
  if (!faults::strikes(name, path.native())) return 0;
  if (plan.kind == Kind::kill) std::raise(SIGKILL);
  return plan.error;
}

}  // namespace deltadrop::io
