#include "io/fault_plan.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace deltadrop::io::faults {
namespace {

int errno_of(const std::string& name) {
  if (name == "ENOSPC") return ENOSPC;
  if (name == "EROFS") return EROFS;
  if (name == "EACCES") return EACCES;
  return EIO;
}

std::vector<std::string> split(const char* text) {
  std::vector<std::string> parts(1);
  for (const char* c = text; *c != '\0'; ++c) {
    if (*c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += *c;
    }
  }
  return parts;
}

bool is_number(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

[[noreturn]] void refuse(const char* text) {
  std::fprintf(stderr, "DELTADROP_FAULT=%s is not a plan: see src/io/fault_point.hpp\n", text);
  std::abort();
}

Kind kind_of(const std::string& name, const char* text) {
  if (name == "kill") return Kind::kill;
  if (name == "fail") return Kind::fail;
  if (name == "trace") return Kind::trace;
  if (name == "power") return Kind::power;
  refuse(text);
}

Plan read_plan() {
  const char* text = std::getenv("DELTADROP_FAULT");
  if (text == nullptr || *text == '\0') return {};
  auto parts = split(text);
  Plan plan;
  plan.kind = kind_of(parts[0], text);
  if (const char* root = std::getenv("DELTADROP_FAULT_ROOT")) plan.root = root;
  const bool watches = plan.kind == Kind::trace || plan.kind == Kind::power;
  if (parts.size() < 2 || (watches && plan.root.empty())) refuse(text);
  if (plan.kind == Kind::trace) {
    plan.trace_file = std::string(text).substr(parts[0].size() + 1);
    return plan;
  }
  if (plan.kind == Kind::power && is_number(parts[1])) parts.insert(parts.begin() + 1, "*");
  if (parts.size() < 3 || !is_number(parts[2])) refuse(text);
  plan.point = parts[1].substr(0, parts[1].find('@'));
  if (plan.point.size() < parts[1].size()) plan.path_part = parts[1].substr(plan.point.size() + 1);
  plan.arrival = std::strtol(parts[2].c_str(), nullptr, 10);
  if (parts.size() > 3) {
    plan.error = errno_of(parts[3]);
    plan.names_survive = parts[3] == "names";
  }
  return plan;
}

std::atomic<long> arrivals{0};

}  // namespace

const Plan& plan() {
  // Never destroyed: calls are watched until the process ends.
  static const Plan& read = *new Plan(read_plan());
  return read;
}

bool strikes(std::string_view point, std::string_view path) {
  if (plan().arrival == 0 || (plan().point != "*" && plan().point != point)) return false;
  if (path.find(plan().path_part) == std::string_view::npos) return false;
  return arrivals.fetch_add(1) + 1 == plan().arrival;
}

void trace(std::string_view point, std::string_view path, std::string_view other) {
  if (plan().kind != Kind::trace) return;
  static const int file = ::open(plan().trace_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const auto line = fmt::format("{}\t{}\t{}\n", point, path, other);
  // Do not use write(): this layer traces it.
  if (::syscall(SYS_write, file, line.data(), line.size()) != static_cast<long>(line.size())) std::abort();
}

}  // namespace deltadrop::io::faults
