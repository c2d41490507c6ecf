#include "ingest/lost_and_found.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "io/file.hpp"
#include "io/new_name.hpp"

namespace deltadrop::ingest {
namespace {

constexpr int kNumbersMax = 100'000;

fs::path numbered(const fs::path& path, int number) {
  return number == 0 ? path : fs::path(fmt::format("{}.{}", path.string(), number));
}

}  // namespace

Result<fs::path> move_to_lost_and_found(const Layout& layout, const fs::path& path) {
  const fs::path wanted = layout.lost_and_found() / path.lexically_relative(layout.root);
  DD_TRY(io::make_folders_durably(wanted.parent_path()));
  for (int number = 0; number < kNumbersMax; ++number) {
    const fs::path to = numbered(wanted, number);
    const auto moved = io::rename_to_new_name(path, to);
    if (!moved.has_value() && moved.error().code == ErrorCode::conflict) continue;
    if (!moved.has_value()) return moved.error();
    DD_TRY(io::sync_folder(to.parent_path()));
    DD_TRY(io::sync_folder(path.parent_path()));
    spdlog::warn("{} belongs to no upload; it was moved to {}", path.string(), to.string());
    return to;
  }
  return Error{ErrorCode::conflict, "file-exists",
               fmt::format("{} cannot be moved: {} and {} names like it are taken", path.string(),
                           wanted.string(), kNumbersMax - 1),
               "look through lost+found and delete what you do not need"};
}

}  // namespace deltadrop::ingest
