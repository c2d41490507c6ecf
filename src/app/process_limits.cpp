#include "app/process_limits.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iterator>
#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "core/exhausted.hpp"
#include "io/file.hpp"

namespace deltadrop::app {
namespace {

/// Enough for a few clients; a server for many needs MAX_CONNECTIONS more.
constexpr rlim_t kOpenFilesMin = 256;
constexpr rlim_t kFileBytesMin = rlim_t{64} << 20;
/// The number of threads of a server whose pools are all busy.
constexpr int kThreadsMin = 192;
/// In addition to the stacks of the threads.
constexpr std::size_t kMemoryMin = std::size_t{256} << 20;

struct Limit {
  decltype(RLIMIT_NOFILE) resource;
  std::string_view name;
  std::string_view flag;
  rlim_t unit;  ///< the unit of ulimit's output in bytes
};
constexpr auto kLimits = std::to_array<Limit>({{RLIMIT_NOFILE, "open files", "-n", 1},
                                               {RLIMIT_FSIZE, "size of a file in KiB", "-f", 1024},
                                               {RLIMIT_NPROC, "processes and threads of the user", "-u", 1},
                                               {RLIMIT_AS, "address space in KiB", "-v", 1024},
                                               {RLIMIT_DATA, "data in KiB", "-d", 1024}});

Error too_low(std::string message) {
  return {ErrorCode::unavailable, "limit-too-low", std::move(message),
          "raise the limit: with ulimit in the shell, LimitNOFILE=, LimitFSIZE=, TasksMax=, MemoryMax= of "
          "systemd, "
          "--ulimit, --pids-limit, --memory of a container"};
}

/// Returns the limit on threads of this process's cgroup, or "" if it has none. A line of /proc/self/cgroup
/// is "0::PATH" (version 2) or "N:pids:PATH" (version 1): see cgroups(7).
std::string pids_max() {
  const auto groups = io::read_whole_file("/proc/self/cgroup");
  if (!groups.has_value()) return "";
  std::string_view lines = groups.value();
  while (!lines.empty()) {
    const auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const auto path = line.substr(line.rfind(':') + 1);
    const bool counts = line.starts_with("0::") || line.find(":pids:") != std::string_view::npos;
    if (!counts) continue;
    for (const std::string_view root : {"/sys/fs/cgroup", "/sys/fs/cgroup/pids"}) {
      auto text = io::read_whole_file(fmt::format("{}{}/pids.max", root, path));
      if (!text.has_value() || text.value().starts_with("max")) continue;
      while (text.value().ends_with('\n')) text.value().pop_back();
      return std::move(text).value();
    }
  }
  return "";
}

Result<void> check_at_least(const Limit& limit, rlim_t needed) {
  rlimit set{};
  if (::getrlimit(limit.resource, &set) != 0 || set.rlim_cur == RLIM_INFINITY || set.rlim_cur >= needed) {
    return success();
  }
  return too_low(fmt::format("the limit on {} (ulimit {}) is {}, and a server needs {}", limit.name,
                             limit.flag, set.rlim_cur / limit.unit, needed / limit.unit));
}

/// Raises the soft limit to the hard one. The default of 1,024 exists for programs that use select.
void raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("the limit on open files could not be raised");
}

Result<void> check_memory() {
  void* memory =
      ::mmap(nullptr, kMemoryMin, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return too_low(
        fmt::format("there is not enough memory: a server needs {} MiB beside the stacks of its {} threads "
                    "({}); limits: {}",
                    kMemoryMin >> 20, kThreadsMin, std::strerror(errno), describe_process_limits()));
  }
  ::munmap(memory, kMemoryMin);
  return success();
}

/// Starts idle threads, all at the same time, because the effective limit (of the user, the cgroup, or memory
/// for stacks) cannot be computed. Checks the memory while they exist.
Result<void> check_threads_and_memory() {
  std::mutex mutex;
  std::condition_variable changed;
  bool over = false;
  std::vector<std::thread> threads;
  Result<void> checked = success();
  try {
    threads.reserve(kThreadsMin);
    while (threads.size() < kThreadsMin) {
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return over; });
      });
    }
    checked = check_memory();
  } catch (const std::exception& thrown) {
    checked =
        too_low(fmt::format("the system starts {} of the {} threads that a server needs ({}); limits: {}",
                            threads.size(), kThreadsMin, thrown.what(), describe_process_limits()));
  }
  {
    const std::lock_guard lock(mutex);
    over = true;
  }
  changed.notify_all();
  for (auto& thread : threads) thread.join();
  return checked;
}

void say(std::string_view text) noexcept {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

/// Ends the process without allocating memory, because there may be none.
[[noreturn]] void end_process() noexcept {
  constexpr int kTrouble = 2;
  say("deltadrop: ");
  try {
    if (const auto thrown = std::current_exception()) std::rethrow_exception(thrown);
    say("a bug: the program ended without an exception");
  } catch (const std::bad_alloc&) {
    say("the system refused to give this process more memory, and it cannot continue without it\n"
        "  fix: raise its limit (ulimit -v, MemoryMax), then start it again: nothing that was answered is "
        "lost");
  } catch (const std::exception& thrown) {
    say("it cannot go on: ");
    say(thrown.what());
    say("\n  fix: start it again: nothing that was answered is lost; if it was no limit of the system, "
        "report it");
  } catch (...) {
    say("a bug: something was thrown that is no exception");
  }
  say("\n");
  ::_exit(kTrouble);
}

}  // namespace

std::string describe_process_limits() {
  std::string text;
  for (const auto& limit : kLimits) {
    rlimit set{};
    if (::getrlimit(limit.resource, &set) != 0 || set.rlim_cur == RLIM_INFINITY) continue;
    fmt::format_to(std::back_inserter(text), "{}{} {} (ulimit {})", text.empty() ? "" : ", ", limit.name,
                   set.rlim_cur / limit.unit, limit.flag);
  }
  if (const auto pids = pids_max(); !pids.empty()) {
    fmt::format_to(std::back_inserter(text), "{}threads of the cgroup {} (pids.max)",
                   text.empty() ? "" : ", ", pids);
  }
  return text.empty() ? "none" : text;
}

Result<void> check_process_limits() {
  raise_open_files();
  DD_TRY(check_at_least(kLimits[0], kOpenFilesMin));
  DD_TRY(check_at_least(kLimits[1], kFileBytesMin));
  return check_threads_and_memory();
}

void set_last_resort() noexcept {
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::set_terminate(end_process);
}

}  // namespace deltadrop::app
