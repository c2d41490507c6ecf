#include "io/write_back.hpp"

#include <fcntl.h>

namespace deltadrop::io {

void start_write_back(const File& file, std::uint64_t offset, std::uint64_t bytes) noexcept {
  [[maybe_unused]] const int ignored = ::sync_file_range(file.descriptor(), static_cast<off64_t>(offset),
                                                         static_cast<off64_t>(bytes), SYNC_FILE_RANGE_WRITE);
}

}  // namespace deltadrop::io
