#include "io/clock.hpp"

#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>

#include "io/file.hpp"

namespace deltadrop::io {

Timestamp SystemClock::now() {
  using namespace std::chrono;
  return Timestamp{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

std::chrono::milliseconds SystemClock::uptime() {
  // Call the kernel directly: libfaketime, which fakes a process's time, replaces every clock of libc.
  timespec time{};
  if (::syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &time) != 0) std::abort();
  using namespace std::chrono;
  return duration_cast<milliseconds>(seconds(time.tv_sec) + nanoseconds(time.tv_nsec));
}

std::string SystemClock::boot_id() {
  auto id = read_whole_file("/proc/sys/kernel/random/boot_id");
  return id.has_value() ? std::move(id).value() : std::string();
}

bool SystemClock::is_synchronised() {
  timex state{};
  const int status = ::adjtimex(&state);
  return status >= 0 && status != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
}

UploadId new_upload_id(Timestamp now) {
  UploadId id;
  // Once the system is up, getrandom does not fail for so few bytes.
  if (::getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size())) std::abort();
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(now.unix_ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x70);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

}  // namespace deltadrop::io
