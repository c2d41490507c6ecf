#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "io/fault_point.hpp"

namespace deltadrop::io {
namespace {

struct Plan {
  bool kills = false;
  std::string point;
  long arrival = 0;  ///< 0: never
  int error = 0;
};

int errno_of(const std::string& name) {
  if (name == "ENOSPC") return ENOSPC;
  if (name == "EROFS") return EROFS;
  if (name == "EACCES") return EACCES;
  return EIO;
}

Plan read_plan() {
  const char* text = std::getenv("DELTADROP_FAULT");
  if (text == nullptr) return {};
  std::vector<std::string> parts(1);
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += *c;
    }
  }
  if (parts.size() < 3) std::abort();
  Plan plan{parts[0] == "kill", parts[1], std::strtol(parts[2].c_str(), nullptr, 10), 0};
  if (parts.size() > 3) plan.error = errno_of(parts[3]);
  return plan;
}

const Plan& plan() {
  static const Plan read = read_plan();
  return read;
}

std::atomic<long> arrivals{0};

}  // namespace

int fault_point(std::string_view name) noexcept {
  if (plan().arrival == 0 || (plan().point != "*" && plan().point != name)) return 0;
  if (arrivals.fetch_add(1) + 1 != plan().arrival) return 0;
  if (plan().kills) std::raise(SIGKILL);
  return plan().error;
}

}  // namespace deltadrop::io
