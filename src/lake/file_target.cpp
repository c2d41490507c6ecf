#include "lake/file_target.hpp"

#include <fmt/format.h>

#include "lake/layout.hpp"

namespace deltadrop::lake {

namespace {

/// Fails early, because the later rename would fail after other files have their final names.
Result<void> refuse_folder(const std::filesystem::path& path) {
  if (!is_folder(path)) return success();
  return Error{
      ErrorCode::conflict, "folder-in-the-way",
      fmt::format("{} is a folder, where a file of the lake has to be", path.string()),
      "move the folder to outside of PARQUET_DIR; the consumer then goes on by itself, a command is to be "
      "run again"};
}

}  // namespace

Result<void> FolderTarget::begin(const std::string& name) {
  DD_TRY(refuse_folder(folder_ / name));
  DD_TRY(refuse_folder(folder_ / temporary_name(name)));
  DD_TRY(auto file, io::File::create(folder_ / temporary_name(name), 0644, io::Readers::by_umask));
  file_.emplace(std::move(file));
  return success();
}

Result<void> FolderTarget::end() {
  DD_TRY(file_->sync());
  DD_TRY(file_->close());
  file_.reset();
  return success();
}

}  // namespace deltadrop::lake
