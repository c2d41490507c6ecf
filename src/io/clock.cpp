#include "io/clock.hpp"

#include <sys/random.h>

#include <chrono>
#include <cstdlib>

namespace deltadrop::io {

Timestamp SystemClock::now() {
  using namespace std::chrono;
  return Timestamp{duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count()};
}

UploadId new_upload_id(Timestamp now) {
  UploadId id;
  // The kernel's generator does not fail for so few bytes once the system is up.
  if (::getrandom(id.bytes.data(), id.bytes.size(), 0) != static_cast<ssize_t>(id.bytes.size())) std::abort();
  for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(now.unix_ms >> (40 - 8 * i));
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0F) | 0x70);
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3F) | 0x80);
  return id;
}

}  // namespace deltadrop::io
