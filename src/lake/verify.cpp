#include "lake/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include "core/text.hpp"
#include "lake/table_plan.hpp"

namespace deltadrop::lake {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kCompareBytes = std::size_t{256} << 10;

bool has_form(const std::string& name) { return upload_mark(name) || CompactedFile::of_name(name); }

/// Compares the files that would be written with the existing ones.
class ComparingTarget final : public FileTarget {
 public:
  using Found = std::function<void(const std::string& name, Fault fault, std::string detail)>;
  ComparingTarget(fs::path folder, Found found) : folder_(std::move(folder)), found_(std::move(found)) {}

  Result<void> begin(const std::string& name) override {
    name_ = name;
    position_ = 0;
    there_.reset();
    if (is_folder(folder_ / name)) {
      found_(name_, Fault::missing, "a folder has its name: move that to outside of PARQUET_DIR");
      return success();
    }
    std::error_code ignored;
    if (fs::is_directory(folder_ / name, ignored)) {
      found_(name_, Fault::missing, "a link to a folder has its name");
      return success();
    }
    auto opened = io::File::open_to_read(folder_ / name);
    if (!opened.has_value()) {
      if (opened.error().code != ErrorCode::not_found) return opened.error();
      found_(name_, Fault::missing, "it is not there");
      return success();
    }
    there_.emplace(std::move(opened.value()));
    return success();
  }

  Result<void> write(std::string_view bytes) override {
    while (there_ && !bytes.empty()) {
      const auto piece = bytes.substr(0, kCompareBytes);
      DD_TRY(const auto same, reads(piece));
      if (!same) return success();
      position_ += piece.size();
      bytes.remove_prefix(piece.size());
    }
    return success();
  }

  Result<void> end() override {
    if (!there_) return success();
    DD_TRY(const auto size, there_->size());
    if (size != position_) {
      found_(name_, Fault::differing,
             fmt::format("it has {}, and must have {}", counted(size, "byte"), position_));
    }
    there_.reset();
    return success();
  }

 private:
  /// Returns true if the next bytes of the file equal `piece`. Closes the file otherwise.
  Result<bool> reads(std::string_view piece) {
    std::size_t have = 0;
    while (have < piece.size()) {
      DD_TRY(const auto read,
             there_->read(std::as_writable_bytes(std::span(buffer_)).subspan(have, piece.size() - have)));
      if (read == 0) break;
      have += read;
    }
    const auto mismatch =
        std::mismatch(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(have), buffer_.begin());
    const auto same = static_cast<std::size_t>(mismatch.first - piece.begin());
    if (same == piece.size()) return true;
    found_(name_, Fault::differing,
           same == have ? fmt::format("it ends after {}", counted(position_ + have, "byte"))
                        : fmt::format("byte {} is another one", position_ + same));
    there_.reset();
    return false;
  }

  fs::path folder_;
  Found found_;
  std::string name_;
  std::optional<io::File> there_;
  std::array<char, kCompareBytes> buffer_{};
  std::uint64_t position_ = 0;
};

}  // namespace

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::missing:
      return "missing";
    case Fault::extra:
      return "extra";
    case Fault::differing:
      return "differing";
    case Fault::unfinished:
      return "unfinished";
    case Fault::folder:
      return "folder";
  }
  return "";
}

Result<VerifyReport> verify_table(const Options& options, history::LakeLedger& history, const TableRef& table,
                                  const std::function<void(const Damage&)>& damaged,
                                  const OnProgress& progress) {
  DD_TRY(const auto plan, plan_of(options, history, table));
  VerifyReport report;
  report.uploads = static_cast<std::int64_t>(plan.uploads.size());
  report.waiting = static_cast<std::int64_t>(plan.waiting.size());
  const auto found = [&](const std::string& name, Fault fault, std::string detail) {
    ++report.damages;
    damaged({plan.folder / name, fault, std::move(detail)});
  };
  ComparingTarget target(plan.folder, found);
  TableWriter writer(options, history, table, target);
  writer.respect(plan.compaction);
  TableColumns columns(plan.columns);
  TableWriter::Written written;
  DD_TRY(const bool fits, write_files(plan, writer, columns, written, progress));
  if (!fits) return too_narrow(table);
  DD_TRY(for_each_entry(plan.folder, [&](const fs::directory_entry& entry) -> Result<void> {
    const auto name = entry.path().filename().string();
    if (is_folder(entry)) {
      if (!has_form(name) || writer.wrote(name)) return success();
      ++report.folders;
      found(name, Fault::folder, "move it to outside of PARQUET_DIR: readers take it for a file");
    } else if (name.starts_with(kTemporaryPrefix)) {
      found(name, Fault::unfinished, "an interrupted write left it");
    } else if (is_extra(plan, writer, name)) {
      found(name, Fault::extra, "no upload in the history has a file of this name");
    }
    return success();
  }));
  report.files = written.files;
  report.rows = written.rows;
  return report;
}

Result<std::vector<TableRef>> tables_in_folder(const fs::path& root) {
  std::vector<TableRef> tables;
  DD_TRY(for_each_entry(root, [&](const fs::directory_entry& company) -> Result<void> {
    if (!company.is_directory()) return success();
    return for_each_entry(company.path(), [&](const fs::directory_entry& folder) -> Result<void> {
      const auto table =
          TableRef::make(company.path().filename().string(), folder.path().filename().string());
      if (!table.has_value() || !folder.is_directory()) return success();
      bool any = false;
      DD_TRY(for_each_file(folder.path(), [&](const std::string& file) -> Result<void> {
        any = any || has_form(file);
        return success();
      }));
      if (any) tables.push_back(table.value());
      return success();
    });
  }));
  std::sort(tables.begin(), tables.end());
  return tables;
}

}  // namespace deltadrop::lake
