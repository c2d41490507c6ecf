#include "lake/file_target.hpp"

#include "lake/layout.hpp"

namespace deltadrop::lake {

Result<void> FolderTarget::begin(const std::string& name) {
  DD_TRY(auto file, io::File::create(folder_ / temporary_name(name)));
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
